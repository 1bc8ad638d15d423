// Documents: down to a value, which is changed and deleted, through many siblings both ways, and with names of any kind.

import assert from "node:assert/strict";
import { changesOf, openPage, story } from "../story.mjs";
import { answer, cell, isGone, keys, open, question, row, rows, shows, signIn } from "../panels.mjs";
import { untilIs } from "../until.mjs";
import { ask, keep, tokenOf } from "../rest.mjs";

const MANY = 250;
const WILD = `<img src=x onerror="document.title='bad'"> / "ö" & [1]`;

/** Opens the child of this name. */
const down = (page, name) => row(page, "children", name).getByRole("link", { name, exact: true }).click();

/** The names of the path, as the page shows it. */
const path = (page) => page.getByRole("navigation", { name: "Document path" });

/** A node's value as it is read over REST. */
const city = async (token) =>
  (await ask("orchestrator", "GET", "/api/db/patients/1", { headers: { authorization: `Bearer ${token}` } })).json.address?.city;

await story(async () => {
  // Of the example application: a record of db_service, made and read over the orchestrator.
  const token = await tokenOf("orchestrator");
  const record = { name: "Ann", address: { city: "Ulm", street: "Am Markt" } };
  const stored = await ask("orchestrator", "POST", "/api/db/patients", { headers: { authorization: `Bearer ${token}` }, body: record });
  assert.equal(stored.json.id, 1, stored.text);
  const page = await openPage("db_service");
  await signIn(page);
  await open(page, "Document Store");
  for (const name of ["Documents", "patients", "record", "1", "address", "city"]) await down(page, name);
  await shows(page.locator("#node-value"), /Ulm/);
  await shows(path(page), /All documents[\s\S]*Documents[\s\S]*patients[\s\S]*record[\s\S]*1[\s\S]*address[\s\S]*city/);

  // Nothing is changed by who thinks better of it, and nothing by what is no JSON.
  const changes = changesOf(page);
  const value = question(page).getByLabel("New value (JSON)");
  await page.getByRole("button", { name: "Change value" }).click();
  await value.fill('"Bonn"');
  await answer(page, "Cancel");
  await page.getByRole("button", { name: "Change value" }).click();
  await value.fill("Bonn");
  await question(page).getByRole("button", { name: "Change value", exact: true }).click();
  await shows(question(page).getByRole("alert"), /\w/);
  assert.deepEqual(changes, []);
  assert.equal(await city(token), "Ulm");
  await value.fill('"Bonn ö"');
  await answer(page, "Change value");
  await shows(page.locator("#node-value"), /Bonn ö/);
  assert.equal(await city(token), "Bonn ö");

  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await question(page).waitFor();
  await page.keyboard.press("Escape");
  await isGone(question(page));
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await question(page).waitFor();
  assert.deepEqual(changes, ["PUT /documents"]);
  assert.equal(await city(token), "Bonn ö");
  await answer(page, "Delete");
  await untilIs("the value is deleted", undefined, () => city(token));
  // One level up, by the path: its sibling is still there.
  await path(page).getByRole("link", { name: "address", exact: true }).click();
  await untilIs("only the sibling is left", ["street"], () => keys(page, "children"));
  await page.getByRole("button", { name: "As JSON" }).click();
  await shows(page.locator("#as-json"), /"street"\s*:\s*"Am Markt"/);

  // Many siblings, and back: on the orchestrator, whose documents a handler of the tests writes.
  const names = Array.from({ length: MANY }, (_, number) => String(number + 1));
  await keep(["replace", ["Many", "rows"], Object.fromEntries(names.map((name) => [name, `row ${name}`]))]);
  await keep(["set", ["Many", WILD, WILD], WILD]);
  const other = await openPage("orchestrator");
  await signIn(other);
  await open(other, "Document Store");
  await down(other, "Many");
  await down(other, "rows");
  const next = other.getByRole("button", { name: "Next", exact: true });
  const previous = other.getByRole("button", { name: "Previous", exact: true });
  // Until they are there, the children of the node above are shown.
  await untilIs("the rows are shown", "1", async () => (await keys(other, "children"))[0]);
  const size = await rows(other, "children").count();
  assert.ok(size >= 20 && size < MANY, `${size} on a page`);
  const shown = async (first) =>
    untilIs(`the page begins at ${first}`, names.slice(first - 1, first - 1 + size), () => keys(other, "children"));
  await shown(1);
  assert.ok(await previous.isDisabled());
  for (let first = 1 + size; first <= MANY; first += size) {
    await next.click();
    await shown(first);
  }
  assert.ok(await next.isDisabled());
  await shows(cell(row(other, "children", MANY), "value"), new RegExp(`row ${MANY}`));
  for (let first = Math.floor((MANY - 1) / size) * size + 1 - size; first >= 1; first -= size) {
    await previous.click();
    await shown(first);
  }
  assert.ok(await previous.isDisabled());
  await other.getByLabel("Begin at name").fill("77");
  await other.getByRole("button", { name: "Begin", exact: true }).click();
  await shown(77);

  // A name may be anything, and is only ever a text.
  await other.getByLabel("Go to path").fill(JSON.stringify(["Many", WILD]));
  await other.getByRole("button", { name: "Go", exact: true }).click();
  await down(other, WILD);
  await untilIs("the value is shown", true, async () => (await other.locator("#node-value").innerText()).includes("<img src=x"));
  assert.equal(await other.locator("img").count(), 0);
  await other.getByRole("button", { name: "Delete", exact: true }).click();
  await answer(other, "Delete");
  await untilIs("it is deleted", ["rows"], async () => (await keep(["children", ["Many"]]))[0]);
});
