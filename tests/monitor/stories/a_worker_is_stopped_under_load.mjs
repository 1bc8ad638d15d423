// Workers are stopped while clients ask all the time: each request has its answer, and the worker is gone.

import assert from "node:assert/strict";
import { openPage, story } from "../story.mjs";
import { cell, isGone, keys, open, row, rowWith, shows, signIn } from "../panels.mjs";
import { beginLoad, endLoad } from "../stage.mjs";
import { until } from "../until.mjs";
import { ask } from "../rest.mjs";

const CLIENTS = 3;

/** The workers that have served requests of the load. */
const serving = (page) => rowWith(page, "workers", "module", /^orchestrator$/);
const idsOf = (workers) => workers.evaluateAll((all) => all.map((row) => row.dataset.key));

await story(async () => {
  const page = await openPage("orchestrator");
  await signIn(page);
  await beginLoad("orchestrator", "/api/version", CLIENTS);

  await until("a worker serves", () => serving(page).count());
  for (let round = 0; round < 3; round++) {
    const [id] = await idsOf(serving(page));
    await page.getByRole("button", { name: `Stop worker ${id}`, exact: true }).click();
    await isGone(row(page, "workers", id));
    await shows(page.locator("#notice"), new RegExp(`${id}`));
    await until("another serves", async () => (await idsOf(serving(page))).some((other) => Number(other) > Number(id)));
  }

  // All of a module, at once.
  const before = await idsOf(serving(page));
  await open(page, "Handlers");
  await shows(cell(row(page, "modules", "orchestrator"), "requests"), /[1-9]/);
  await page.getByRole("button", { name: "Stop workers of orchestrator", exact: true }).click();
  await shows(page.locator("#notice"), /[1-9]\d* workers? of orchestrator/);
  await open(page, "Overview");
  await until("none of them is left", async () => (await keys(page, "workers")).every((id) => !before.includes(id)));

  const answers = await endLoad();
  assert.ok(answers > 100, `only ${answers} answers`);

  // One that is busy is marked, gives its answer, and ends then.
  const slow = ask("orchestrator", "GET", "/api/sleep?milliseconds=4000");
  const sleeper = rowWith(page, "workers", "module", /^sleeper$/);
  await shows(cell(sleeper, "state"), /busy/);
  const [id] = await idsOf(sleeper);
  await page.getByRole("button", { name: `Stop worker ${id}`, exact: true }).click();
  await shows(cell(row(page, "workers", id), "state"), /stopping/);
  assert.deepEqual((await slow).status, 200);
  await isGone(row(page, "workers", id));
});
