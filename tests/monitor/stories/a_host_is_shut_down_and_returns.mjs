// The red X: the page asks, the host ends in good order, and the page waits for its return.

import assert from "node:assert/strict";
import { NOBODY, changesOf, openPage, status, story } from "../story.mjs";
import { answer, fact, isGone, question, shows, signIn } from "../panels.mjs";
import { endOf, kill, lineOf, processOf, start } from "../stage.mjs";
import { ask } from "../rest.mjs";

await story(async () => {
  const page = await openPage("orchestrator", { allowed: [NOBODY, status(401)] });
  await signIn(page);
  await shows(fact(page, "pid"), /^\d+$/);
  await page.evaluate(() => (globalThis.stays = true));
  const stop = page.getByRole("button", { name: "Stop host" });
  await stop.click();
  await shows(question(page).getByRole("heading"), /orchestrator/);
  const changes = changesOf(page);
  await answer(page, "Cancel");

  // What is asked before has its answer.
  const slow = ask("orchestrator", "GET", "/api/sleep?milliseconds=1500");
  await lineOf("orchestrator", "falling asleep");
  await stop.click();
  await question(page).waitFor();
  assert.deepEqual(changes, [], "who cancels changes nothing");
  await question(page).getByRole("button", { name: "Stop host", exact: true }).click();
  assert.equal((await slow).status, 200);
  assert.equal(await endOf("orchestrator"), 0);
  await shows(page.locator("#gone"), /orchestrator/);
  await shows(page.locator("#gone"), /was stopped from this page/);

  // Its sessions ended with it.
  await start("orchestrator");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await isGone(page.locator("#gone"));
  await signIn(page);
  await shows(fact(page, "pid"), new RegExp(`^${await processOf("orchestrator")}$`));

  // And without asking.
  await kill("orchestrator");
  await shows(page.locator("#gone"), /orchestrator is gone/);
  await start("orchestrator");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.stays), true, "the page was loaded again");
});
