/**
 * The path of a node comes in; its subtree goes out as JSON for reading, numbers as they were stored. It never shows
 * more than a browser can bear: the rest is behind a link.
 */

import { callText, urlOf } from "./api.js";
import { el, put, set } from "./elements.js";
import { indented } from "./exact.js";
import { bytes } from "./words.js";

/** Characters that are shown. */
const MOST = 500_000;

/** @returns {{button: HTMLElement, element: HTMLElement, show: (path: string[] | null) => void, close: () => void}} */
export function jsonView() {
  const text = el("pre", { id: "as-json", tabindex: "0", role: "group", "aria-label": "The subtree as JSON" });
  const words = el("p", { role: "status" });
  const whole = el("a", { target: "_blank", rel: "noopener" }, "Open all of it");
  const element = el("div", { hidden: true }, words, el("p", {}, whole), text);
  const button = el("button", { type: "button", "aria-expanded": "false" }, "As JSON");
  let path = null;
  const close = () => {
    element.hidden = true;
    set(button, "aria-expanded", "false");
  };
  const open = async () => {
    element.hidden = false;
    set(button, "aria-expanded", "true");
    put(text, "");
    put(words, "Reading…");
    text.hidden = whole.parentNode.hidden = true;
    const asked = path;
    const answer = await read(asked);
    if (asked !== path) return;
    put(words, answer.words);
    put(text, answer.text);
    set(whole, "href", urlOf("documents/json", { path: JSON.stringify(path) }));
    text.hidden = answer.text === "";
    whole.parentNode.hidden = !answer.cut;
  };
  button.addEventListener("click", () => (element.hidden ? open() : close()));
  return {
    button,
    element,
    close,
    show: (next) => {
      path = next;
      button.hidden = next === null;
      if (!element.hidden) next === null ? close() : open();
    },
  };
}

async function read(path) {
  try {
    const raw = await callText("documents/json", { query: { path: JSON.stringify(path) } });
    const text = indented(raw, MOST);
    const cut = text.length > MOST;
    return { text: text.slice(0, MOST), cut, words: cut ? `The subtree has ${bytes(raw.length)}. Only its beginning is shown.` : "" };
  } catch (error) {
    return { text: "", cut: false, words: error.message };
  }
}
