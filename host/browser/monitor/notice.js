/**
 * The result of what somebody did comes in and is said, once, at the lower edge of the page. It never tells of
 * updates of a stream.
 */

import { byId, put } from "./elements.js";

/** Good news goes away by itself after so many milliseconds; bad news stays until it is closed. */
const GOOD_NEWS = 15_000;
let timer;

/** @param {string} text @param {"done" | "error"} [kind] */
export function say(text, kind = "done") {
  clearTimeout(timer);
  byId("notice").dataset.kind = kind;
  put(byId("notice-text"), text);
  if (kind === "done") timer = setTimeout(unsay, GOOD_NEWS);
}

/** Takes the notice away. */
export function unsay() {
  clearTimeout(timer);
  put(byId("notice-text"), "");
}
