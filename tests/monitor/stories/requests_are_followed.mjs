// A request is found by its id, with what became of it and what its handler wrote; the list is filtered and paused.

import assert from "node:assert/strict";
import { openPage, openTab, story } from "../story.mjs";
import { cell, isGone, open, rowWith, rows, shows, signIn } from "../panels.mjs";
import { untilIs } from "../until.mjs";
import { ask } from "../rest.mjs";

const asked = (id, path = "/api/version") => ask("orchestrator", "GET", path, { headers: { "x-request-id": id } });

await story(async () => {
  const page = await openPage("orchestrator");
  await signIn(page);
  await open(page, "Activity");
  assert.equal((await asked("followed-1")).status, 200);
  const of = (page, id) => rowWith(page, "requests", "id", new RegExp(`^${id}$`));
  const one = of(page, "followed-1");
  await shows(cell(one, "method"), /^GET$/);
  await shows(cell(one, "path"), /^\/api\/version$/);
  await shows(cell(one, "route"), /^\/api\/version$/);
  await shows(cell(one, "handler"), /^version$/);
  await shows(cell(one, "version"), /^[0-9a-f]{12}$/);
  await shows(cell(one, "where"), /handler \d/);
  await shows(cell(one, "status"), /^200$/);
  await shows(cell(one, "took"), /\d/);
  await shows(cell(one, "time"), /\d\d:\d\d:\d\d/);

  // What its handler wrote, and how long each part took.
  const number = await one.getAttribute("data-key");
  const opener = page.getByRole("button", { name: `Open request ${number}`, exact: true });
  await opener.click();
  const details = page.locator(`tr[data-key="${number}-details"]`);
  await shows(details.locator('[data-lines-of="followed-1"]'), /version asked/);
  for (const part of ["took", "line", "running"]) await shows(details.locator(`[data-fact="${part}"]`), /^\d+(\.\d+)? ms$/);
  await isGone(page.locator(`[data-lines-of="followed-2"]`));

  // Over a link: which host it was.
  await ask("orchestrator", "POST", "/api/login", { headers: { "x-request-id": "followed-2" }, body: { username: "rob", password: "no" } });
  await shows(cell(of(page, "followed-2"), "status"), /^400$/);
  await shows(cell(of(page, "followed-2"), "handler"), /^login on login_service$/);
  assert.equal((await asked("followed-3", "/api/nosuch")).status, 404);
  await shows(cell(of(page, "followed-3"), "status"), /^404$/);

  // Filtered, by words and by status.
  const ids = () => rows(page, "requests").locator('[data-column="id"]').allInnerTexts();
  await page.getByLabel("Filter").fill("followed-2");
  await untilIs("one is left", ["followed-2"], ids);
  await page.getByLabel("Filter").fill("");
  await page.getByLabel("Status").selectOption("2xx");
  await untilIs("the good one is left", ["followed-1"], ids);
  await page.getByLabel("Status").selectOption("4xx");
  await untilIs("the others are", ["followed-2", "followed-3"], async () => (await ids()).sort());
  await page.getByLabel("Status").selectOption("all");

  // Which lines the log has: looked at closely for a while, and back.
  const now = page.locator('[data-log="now"]');
  await shows(now, /^The log shows \S+, as (nothing else is said|QEWD_LOG says)\.$/);
  await page.getByLabel("Lines of the log").fill("info,qewd::handler=debug");
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await shows(now, /^The log shows info,qewd::handler=debug, as an operator wants it/);
  await page.getByRole("button", { name: "Back to what is configured", exact: true }).click();
  await shows(now, /^The log shows \S+, as (nothing else is said|QEWD_LOG says)\.$/);

  // Paused: what comes meanwhile is seen elsewhere, and here afterwards.
  const pause = page.getByRole("button", { name: "Pause", exact: true });
  await pause.click();
  assert.equal(await pause.getAttribute("aria-pressed"), "true");
  const other = await openTab(page.context(), "orchestrator");
  await open(other, "Activity");
  await asked("followed-4");
  await of(other, "followed-4").waitFor();
  await asked("followed-5");
  await of(other, "followed-5").waitFor();
  assert.equal(await of(page, "followed-4").count(), 0);
  await page.locator('button[aria-pressed="true"]').click();
  await of(page, "followed-4").waitFor();
  await of(page, "followed-5").waitFor();
});
