// Each panel is opened, and shows what the hosts really have.

import assert from "node:assert/strict";
import { openPage, story } from "../story.mjs";
import { cell, fact, keys, open, row, rowWith, rows, shows, signIn } from "../panels.mjs";
import { addressOf, openClient, processOf, told } from "../stage.mjs";
import { until, untilIs } from "../until.mjs";
import { ask, keep } from "../rest.mjs";

const HANDLERS = ["keeper", "orchestrator", "sleeper", "versioned"];
const SERVICES = ["db_service", "info_service", "login_service"];

await story(async () => {
  for (let number = 0; number < 3; number++) await ask("orchestrator", "GET", "/api/version");
  await ask("orchestrator", "POST", "/api/login", { body: { username: "rob", password: "wrong" } });
  await ask("orchestrator", "POST", "/api/login", { body: { username: "rob", password: "secret" } });
  await keep(["set", ["Shown", "a"], "b"]);
  await openClient("orchestrator", "example");
  const page = await openPage("orchestrator");
  await signIn(page);

  // Overview
  await shows(fact(page, "host"), /^orchestrator$/);
  await shows(fact(page, "role"), /orchestrator/);
  await shows(fact(page, "serverName"), /^Orchestrator$/);
  await shows(fact(page, "pid"), new RegExp(`^${await processOf("orchestrator")}$`));
  await shows(fact(page, "port"), new RegExp(`^${told.ports.orchestrator}$`));
  await shows(fact(page, "version"), /^\d+\.\d+\.\d+$/);
  await shows(fact(page, "uptime"), /\d/);
  await shows(fact(page, "memory"), /[1-9]/);
  await shows(fact(page, "cpu"), /\d/);
  await until("the uptime goes on", async () => {
    const before = await fact(page, "uptime").innerText();
    return until("it is another", async () => (await fact(page, "uptime").innerText()) !== before);
  });
  for (const name of ["running", "waiting", "refused"]) await shows(fact(page, name), /^0( of 1,000)?$/);
  await shows(fact(page, "size"), /^[1-9]\d*$/);
  const worker = rowWith(page, "workers", "module", /^orchestrator$/).first();
  await shows(cell(worker, "state"), /idle/);
  await shows(cell(worker, "version"), /^[0-9a-f]{12}$/);
  await shows(cell(worker, "requests"), /^[1-9]/);
  await shows(cell(worker, "memory"), /[1-9]/);
  await shows(cell(row(page, "configuration", "managementPassword"), "value"), /masked/);
  await shows(cell(row(page, "configuration", "serverName"), "value"), /Orchestrator/);
  for (const chart of ["rate", "errors", "latency"]) {
    const drawn = page.locator(`figure[data-chart="${chart}"]`).getByRole("img");
    await drawn.waitFor();
    assert.match(await drawn.getAttribute("aria-label"), /\w+ \w+/, chart);
  }
  await until("the rate is drawn", () => page.locator('figure[data-chart="rate"] svg[role="img"] path[d*="1"]').count());

  // Fleet
  await open(page, "Fleet");
  await untilIs("all hosts are shown", 4, () => rows(page, "fleet").count());
  await shows(cell(row(page, "fleet", "orchestrator"), "state"), /this host/);
  for (const service of SERVICES) {
    const host = row(page, "fleet", `${service} ${addressOf(service)}`);
    await shows(cell(host, "state"), /ready/);
    await shows(cell(host, "memory"), /[1-9]/);
    await shows(cell(host, "workers"), /\d|none/);
  }

  // Links
  await open(page, "Links");
  for (const service of SERVICES) {
    const link = row(page, "services", `${service} ${addressOf(service)}`);
    await shows(cell(link, "state"), /ready/);
    await shows(cell(link, "handlers"), /\w/);
    await shows(cell(link, "roundTrip"), /\d/);
    await shows(cell(link, "reconnects"), /^0$/);
  }
  await shows(cell(rowWith(page, "services", "service", /^login_service$/), "handlers"), /^login, who$/);

  // Handlers
  await open(page, "Handlers");
  await untilIs("all modules are shown", HANDLERS, async () => (await keys(page, "modules")).sort());
  const module = row(page, "modules", "orchestrator");
  await shows(cell(module, "version"), /^[0-9a-f]{12}$/);
  await shows(cell(module, "handlers"), /version/);
  await shows(cell(module, "requests"), /^3$/);
  await shows(cell(module, "errors"), /^0$/);
  await shows(cell(module, "p50"), /\d/);

  // Routes
  await open(page, "Routes");
  const route = row(page, "routes", "POST /api/login");
  await shows(cell(route, "kind"), /service/);
  await shows(cell(route, "to"), /login_service/);
  await shows(cell(route, "handler"), /^login$/);
  await shows(cell(row(page, "routes", "MESSAGE /example/version"), "handler"), /^version$/);
  await page.getByLabel("Method").selectOption("GET");
  await page.getByLabel("Path").fill("/api/patient/7/heading/allergies");
  await page.getByRole("button", { name: "Which route answers?" }).click();
  await shows(page.locator("#decision"), /info_service[\s\S]*heading|heading[\s\S]*info_service/);
  await shows(page.locator("#decision"), /patientId[\s\S]*7/);
  await page.locator("#decision li").first().waitFor();
  await page.getByLabel("Path").fill("/api/nosuch/path");
  await page.getByRole("button", { name: "Which route answers?" }).click();
  await shows(page.locator("#decision"), /404/);

  // Documents
  await open(page, "Document Store");
  await row(page, "children", "Shown").waitFor();

  // Clients
  await open(page, "Clients");
  await untilIs("the client is shown", 1, () => rows(page, "clients").count());
  await shows(cell(rows(page, "clients"), "application"), /^example$/);
  await shows(cell(rows(page, "clients"), "address"), /127\.0\.0\.1/);
  await shows(cell(rows(page, "clients"), "received"), /^1$/);

  // Activity
  await open(page, "Activity");
  await untilIs("the requests are shown", 3, () => rowWith(page, "requests", "route", /^\/api\/version$/).count());
  await untilIs("so are those of a service", 2, () => rowWith(page, "requests", "handler", /^login on login_service$/).count());

  // A part of the address opens its panel, also later.
  await page.reload();
  await page.locator('section[data-panel="activity"]').waitFor();
});
