/**
 * A node comes in and a new value for it, or that it shall go; after a question that names it exactly the host is
 * told. A value goes to the host as the text that was typed: it is never read as a number on the way.
 */

import { act, actButton } from "./act.js";
import { ask } from "./ask.js";
import { exactPath, nameToSee } from "./document-path.js";
import { el, put } from "./elements.js";
import { scalarText, wrongScalar } from "./exact.js";
import { visible } from "./words.js";

/**
 * Makes the buttons.
 * @param {() => {path: string[], exists: boolean, hasValue: boolean, value: unknown, hasChildren: boolean} | null} current the node
 * @param {(gone: boolean) => void} changed is called after the host has done it
 * @returns {{element: HTMLElement, show: () => void}}
 */
export function changeButtons(current, changed) {
  const change = actButton({ label: "Change value", run: () => changeValue(current(), changed) });
  const remove = actButton({ label: "Delete", kind: "danger", run: () => deleteNode(current(), changed) });
  return {
    element: el("span", { class: "acts" }, change, remove),
    show: () => {
      const { path, exists, hasValue } = current();
      change.hidden = path.length === 0;
      put(change, hasValue ? "Change value" : "Set value");
      remove.hidden = path.length === 0 || !exists;
    },
  };
}

const named = (path) => el("p", {}, el("code", {}, exactPath(path)));

async function changeValue({ path, hasValue, value }, changed) {
  const before = hasValue ? scalarText(value) : "";
  const raw = await ask({
    title: hasValue ? "Change the value of this node?" : "Give this node a value?",
    act: hasValue ? "Change value" : "Set value",
    words: [
      named(path),
      hasValue ? el("p", {}, "Its value now: ", el("code", { class: "short" }, visible(before))) : "It has no value now.",
    ],
    field: {
      label: "New value (JSON)",
      hint: 'A text stands in quotes: "12" is a text, 12 is a number. Also true, false and null.',
      text: before,
      wrong: wrongScalar,
    },
  });
  if (raw === null) return;
  const done = await act(
    "documents",
    { method: "PUT", query: { path: JSON.stringify(path) }, body: `{"value": ${raw}}` },
    () => `${exactPath(path)} has its new value.`,
  );
  if (done) changed(false);
}

async function deleteNode({ path, hasValue, value, hasChildren }, changed) {
  const whole = path.length === 1;
  const words = [named(path)];
  if (hasValue) words.push(el("p", {}, "Its value: ", el("code", { class: "short" }, visible(scalarText(value)))));
  words.push(
    hasChildren ? "All that is below it is deleted with it. It cannot be brought back." : "It cannot be brought back.",
  );
  const answer = await ask({
    title: whole ? `Delete the whole document ${nameToSee(path[0])}?` : "Delete this node?",
    act: "Delete",
    words,
  });
  if (answer === null) return;
  const done = await act(
    "documents",
    { method: "DELETE", query: { path: JSON.stringify(path) } },
    () => `${exactPath(path)} was deleted.`,
  );
  if (done) changed(true);
}
