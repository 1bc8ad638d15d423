// Signing in: with wrong and right passwords, the default one and a host's own, and out again.
// A session is a cookie that no script of a page reads and no other site sends.

import assert from "node:assert/strict";
import { openPage, openTab, status, story } from "../story.mjs";
import { DEFAULT_PASSWORD, fact, isGone, open, panel, shows, signIn, tryPassword } from "../panels.mjs";
import { setSettings, told } from "../stage.mjs";
import { api, ask } from "../rest.mjs";

await story(async () => {
  const page = await openPage("orchestrator", { allowed: [status(401)] });
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await isGone(page.getByRole("navigation", { name: "Panels" }));
  await isGone(page.locator("#default-password"));

  await tryPassword(page, "a wrong password");
  await shows(page.getByRole("alert"), /Wrong password/);
  assert.equal((await page.context().cookies()).length, 0, "a wrong password brings no cookie");

  await signIn(page);
  await panel(page, "Overview").waitFor();
  await isGone(page.locator("#sign-in"));
  await shows(page.locator("#default-password"), /keepThisSecret!|managementPassword|default password/i);
  await open(page, "Routes");
  await page.locator("#default-password").waitFor();

  // The cookie, as the browser has it and as it was sent.
  const [cookie, ...others] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.secure, others.length], [true, "Strict", false, 0]);
  assert.equal(await page.evaluate(() => document.cookie), "");
  const sent = (await ask("orchestrator", "POST", api("/session"), { body: { password: DEFAULT_PASSWORD } })).headers["set-cookie"];
  assert.equal(sent.length, 1);
  assert.match(sent[0], /^[^=]+=[^;]{20,};/);
  assert.match(sent[0], /; HttpOnly(;|$)/);
  assert.match(sent[0], /; SameSite=Strict(;|$)/);
  assert.match(sent[0], /; Path=\/qewd-monitor(;|$)/);

  // Cookies know no ports: two hosts of one machine in one browser.
  const other = await openTab(page.context(), "login_service", [status(401)]);
  await other.getByRole("heading", { name: "Sign in" }).waitFor();
  await tryPassword(other, DEFAULT_PASSWORD);
  await shows(other.getByRole("alert"), /Wrong password/);
  await signIn(other, "a password of its own");
  await shows(fact(other, "host"), /login_service/);
  await isGone(other.locator("#default-password"));
  await page.reload();
  await panel(page, "Routes").waitFor();
  await other.close();

  // A hash in config.json, and never its text as the password.
  const hashed = await openPage("info_service", { allowed: [status(401)] });
  await tryPassword(hashed, told.hash);
  await shows(hashed.getByRole("alert"), /Wrong password/);
  await signIn(hashed, "a password with a hash");
  await shows(fact(hashed, "host"), /info_service/);
  await isGone(hashed.locator("#default-password"));

  // Out: the page forgets, and so does the host.
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await isGone(panel(page, "Routes"));
  const old = { cookie: `${cookie.name}=${cookie.value}` };
  assert.equal((await ask("orchestrator", "GET", api("/overview"), { headers: old })).status, 401);

  // Another password ends all sessions, and an open page says so by itself.
  await signIn(page);
  await setSettings("orchestrator", { managementPassword: "changed while it runs" });
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(page, "changed while it runs");
  await isGone(page.locator("#default-password"));
});
