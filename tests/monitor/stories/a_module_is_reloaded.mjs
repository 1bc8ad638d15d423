// The page stays open while modules change: a new version, a file that is none, and one that is new and broken.

import assert from "node:assert/strict";
import { openPage, story } from "../story.mjs";
import { cell, isGone, open, row, shows, signIn } from "../panels.mjs";
import { putFile, putVersion } from "../stage.mjs";
import { until } from "../until.mjs";
import { ask } from "../rest.mjs";

const FILE = "handlers/orchestrator/versioned.wasm";

const answering = async () => (await ask("orchestrator", "GET", "/api/which")).text.slice(0, 16);

await story(async () => {
  const page = await openPage("orchestrator");
  await signIn(page);
  await open(page, "Handlers");
  await page.evaluate(() => (globalThis.stays = true));
  const module = row(page, "modules", "versioned");
  const version = () => cell(module, "version").innerText();
  await answering();
  await shows(cell(module, "requests"), /^1$/);
  const first = await version();

  await putVersion(FILE, 7);
  await until("the version changes", async () => (await version()) !== first);
  const second = await version();
  assert.equal(await answering(), "version=00000007");
  await shows(cell(module, "requests"), /^1$/);

  // What cannot serve is told, and what serves goes on.
  await putFile(FILE, "this is no module");
  await shows(page.locator("#load-errors"), /versioned[\s\S]*(magic|wasm|module)/i);
  assert.equal(await version(), second);
  assert.equal(await answering(), "version=00000007");
  await putFile("handlers/orchestrator/broken.wasm", "nor is this");
  const broken = page.locator('#load-errors li[data-key$="broken.wasm"]');
  await shows(broken, /\w+ \w+/);
  await putVersion(FILE, 8);
  await until("a good version is taken", async () => ![first, second].includes(await version()));
  assert.equal(await answering(), "version=00000008");
  await until("only the other one is told", async () => (await page.locator("#load-errors li").count()) === 1);
  await broken.waitFor();
  await putVersion("handlers/orchestrator/broken.wasm", 9);
  await until("its error may be of another kind", async () => !/magic/.test(await page.locator("#load-errors").innerText()));

  // By hand: the same file, and new workers.
  await page.getByRole("button", { name: "Reload sleeper", exact: true }).click();
  await shows(page.locator("#notice"), /sleeper/);
  const sleeper = row(page, "modules", "sleeper");
  await ask("orchestrator", "GET", "/api/sleep?milliseconds=1");
  await shows(cell(sleeper, "workers"), /1/);
  await page.getByRole("button", { name: "Stop workers of sleeper", exact: true }).click();
  await until("no worker is left", async () => !/[1-9]/.test(await cell(sleeper, "workers").innerText()));
  assert.equal(await page.evaluate(() => globalThis.stays), true, "the page was loaded again");
  await isGone(page.locator("#gone"));
});
