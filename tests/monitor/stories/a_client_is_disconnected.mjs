// WebSocket clients come and are shown; one is disconnected, and the others stay.

import assert from "node:assert/strict";
import { changesOf, openPage, story } from "../story.mjs";
import { answer, cell, isGone, keys, open, question, row, rows, shows, signIn } from "../panels.mjs";
import { endOfClient, openClient } from "../stage.mjs";
import { untilIs } from "../until.mjs";

await story(async () => {
  const page = await openPage("orchestrator");
  await signIn(page);
  await open(page, "Clients");
  await openClient("orchestrator", "example");
  await untilIs("the client is shown", 1, () => rows(page, "clients").count());
  const [id] = await keys(page, "clients");
  await openClient("orchestrator", "example");
  await untilIs("the other one, too", 2, () => rows(page, "clients").count());
  await shows(cell(row(page, "clients", id), "application"), /^example$/);

  const button = page.getByRole("button", { name: `Disconnect client ${id}`, exact: true });
  await button.click();
  await question(page).waitFor();
  const changes = changesOf(page);
  await answer(page, "Cancel");
  await button.click();
  await question(page).waitFor();
  assert.deepEqual(changes, [], "who cancels changes nothing");
  await answer(page, "Disconnect");
  await isGone(row(page, "clients", id));
  const end = await endOfClient();
  assert.ok(end.code >= 1000 && end.reason.length > 0, JSON.stringify(end));
  assert.deepEqual(changes, [`POST /clients/${id}/disconnect`]);
  await untilIs("the other one stays", 1, () => rows(page, "clients").count());
});
