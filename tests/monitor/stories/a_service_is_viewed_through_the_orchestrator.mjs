// The orchestrator's page shows a microservice whose port the browser never asks; there it only looks.

import assert from "node:assert/strict";
import { openPage, status, story } from "../story.mjs";
import { cell, fact, isGone, open, panel, row, rowWith, rows, shows, signIn } from "../panels.mjs";
import { addressOf, kill, processOf, start } from "../stage.mjs";
import { until } from "../until.mjs";
import { ask } from "../rest.mjs";

/** Buttons that change something on a host. */
const ACTS = /^(Stop|Reload|Disconnect|Delete|Change)/;

await story(async () => {
  const page = await openPage("orchestrator", { allowed: [status(503)] });
  await signIn(page);
  await ask("orchestrator", "POST", "/api/login", { body: { username: "rob", password: "secret" } });
  await open(page, "Fleet");
  await row(page, "fleet", `login_service ${addressOf("login_service")}`).getByRole("link", { name: /^View login_service/ }).click();
  await panel(page, "Overview").waitFor();
  await shows(page.locator("#viewing"), /Viewing login_service/);
  await shows(fact(page, "host"), /^login_service$/);
  await shows(fact(page, "serverName"), /^Login MicroService$/);
  await shows(fact(page, "pid"), new RegExp(`^${await processOf("login_service")}$`));
  await until("its worker is shown", () => rowWith(page, "workers", "module", /^login_service$/).count());
  assert.equal(await page.getByRole("button", { name: ACTS }).count(), 0);

  await open(page, "Handlers");
  await shows(cell(row(page, "modules", "login_service"), "requests"), /^1$/);
  assert.equal(await page.getByRole("button", { name: ACTS }).count(), 0);
  await open(page, "Links");
  await shows(cell(rowWith(page, "callers", "host", /^orchestrator$/), "requests"), /[1-9]/);
  await open(page, "Activity");
  await until("its request is shown", () => rowWith(page, "requests", "handler", /^login$/).count());
  await open(page, "Document Store");
  assert.equal(await rows(page, "children").count(), 0);
  await shows(panel(page, "Document Store"), /\w+ \w+/);

  // While nobody can ask it, the page says so and stays.
  await open(page, "Overview");
  await kill("login_service");
  await shows(page.locator("body"), /login_service cannot be asked: \w+/);
  await start("login_service");
  await shows(fact(page, "pid"), new RegExp(`^${await processOf("login_service")}$`));

  await page.getByRole("link", { name: "Back to orchestrator" }).click();
  await shows(fact(page, "host"), /^orchestrator$/);
  await isGone(page.locator("#viewing"));
});
