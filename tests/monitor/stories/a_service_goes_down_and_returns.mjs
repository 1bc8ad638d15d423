// A microservice is killed and started again, and pages that stay open show both.

import assert from "node:assert/strict";
import { openPage, openTab, story } from "../story.mjs";
import { cell, open, row, shows, signIn } from "../panels.mjs";
import { addressOf, kill, processOf, start } from "../stage.mjs";
import { ask } from "../rest.mjs";

await story(async () => {
  const page = await openPage("orchestrator");
  await signIn(page);
  await open(page, "Links");
  const fleet = await openTab(page.context(), "orchestrator");
  await open(fleet, "Fleet");
  for (const tab of [page, fleet]) await tab.evaluate(() => (globalThis.stays = true));
  const link = row(page, "services", `login_service ${addressOf("login_service")}`);
  const host = row(fleet, "fleet", `login_service ${addressOf("login_service")}`);
  await shows(cell(link, "state"), /ready/);
  await shows(cell(host, "state"), /ready/);
  const before = await processOf("login_service");

  await kill("login_service");
  await shows(cell(link, "state"), /down|resting/);
  await shows(cell(link, "why"), /\w+ \w+/);
  await shows(cell(host, "state"), /down|resting/);
  assert.equal((await ask("orchestrator", "POST", "/api/login", { body: {} })).status, 503);

  await start("login_service");
  await shows(cell(link, "state"), /ready/);
  await shows(cell(link, "reconnects"), /^[1-9]/);
  await shows(cell(host, "state"), /ready/);
  await shows(cell(host, "memory"), /[1-9]/);
  assert.notEqual(await processOf("login_service"), before);
  assert.equal((await ask("orchestrator", "POST", "/api/login", { body: { username: "rob", password: "secret" } })).status, 200);
  for (const tab of [page, fleet]) assert.equal(await tab.evaluate(() => globalThis.stays), true, "a page was loaded again");
});
