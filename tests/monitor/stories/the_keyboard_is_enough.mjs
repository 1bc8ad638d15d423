// From signing in to stopping a worker and answering a question, and no mouse.

import assert from "node:assert/strict";
import { openPage, story } from "../story.mjs";
import { fact, isGone, keys, panel, question, row, rowWith, shows, signIn } from "../panels.mjs";
import { until } from "../until.mjs";
import { ask } from "../rest.mjs";

/** More elements than any panel has that can be reached. */
const MOST_STEPS = 80;

/** The name of what has the focus. */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    return (element.getAttribute("aria-label") ?? element.labels?.[0]?.innerText ?? element.innerText ?? "").trim();
  });

/** Presses Tab until the focus is on what has this name; it has to be seen there. */
async function tabTo(page, name) {
  const passed = [];
  for (let step = 0; step < MOST_STEPS; step++) {
    await page.keyboard.press("Tab");
    passed.push(await focused(page));
    if (passed.at(-1) !== name) continue;
    const marked = await page.evaluate(() => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
      return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    });
    assert.ok(marked, `who has the focus is not seen: ${name}`);
    return;
  }
  throw new Error(`Tab does not lead to ${name}, but to ${JSON.stringify(passed)}`);
}

await story(async () => {
  await ask("orchestrator", "GET", "/api/version");
  const page = await openPage("orchestrator");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  // The page may have put the focus there already.
  if ((await focused(page)) !== "Management password") await tabTo(page, "Management password");
  await page.keyboard.type("keepThisSecret!");
  await page.keyboard.press("Enter");
  await panel(page, "Overview").waitFor();

  await tabTo(page, "Handlers");
  await page.keyboard.press("Enter");
  await panel(page, "Handlers").waitFor();
  // Back to the first of them, the other way round.
  await until("the focus is on the first panel", async () => {
    await page.keyboard.press("Shift+Tab");
    return (await focused(page)) === "Overview";
  });
  await page.keyboard.press("Enter");
  await panel(page, "Overview").waitFor();

  await until("a worker is shown", () => rowWith(page, "workers", "module", /^orchestrator$/).count());
  const [id] = await rowWith(page, "workers", "module", /^orchestrator$/).evaluateAll((all) => all.map((row) => row.dataset.key));
  await tabTo(page, `Stop worker ${id}`);
  // Views come meanwhile, and must not take the focus away.
  const uptime = await fact(page, "uptime").innerText();
  await until("the view is renewed", async () => (await fact(page, "uptime").innerText()) !== uptime);
  assert.equal(await focused(page), `Stop worker ${id}`);
  await page.keyboard.press("Enter");
  await isGone(row(page, "workers", id));
  assert.ok(!(await keys(page, "workers")).includes(id));

  // A question holds the focus, begins with its way out, and gives the focus back.
  await page.getByRole("button", { name: "Stop host" }).focus();
  await page.keyboard.press("Enter");
  await question(page).waitFor();
  assert.equal(await focused(page), "Cancel");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Stop host");
  await page.keyboard.press("Escape");
  await isGone(question(page));
  await until("the focus is back", async () => (await focused(page)).includes("Stop host"));
  assert.equal((await ask("orchestrator", "GET", "/api/version")).status, 200);

  await tabTo(page, "Sign out").catch(async () => {
    throw new Error("Sign out is not reached by Tab");
  });
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(page);
  await shows(panel(page, "Overview"), /orchestrator/);
});
