/**
 * What an operator wants comes in, the host is told, and the result goes out as a notice. It never asks first: that is
 * ask.js; and a button that waits for its answer does nothing more.
 */

import { call } from "./api.js";
import { el } from "./elements.js";
import { say } from "./notice.js";

/**
 * Makes a button that does something about the host.
 * @param {object} plan
 * @param {string} plan.label its words, or where it has a sign only, its name for screen readers
 * @param {string} [plan.sign] what is seen in place of the label
 * @param {string} [plan.short] a sign that takes its place where there is little room
 * @param {string} [plan.kind] `danger`: red
 * @param {() => unknown} plan.run
 * @returns {HTMLButtonElement}
 */
export function actButton({ label, sign, short, kind, run }) {
  const named = sign ? { "aria-label": label, title: label } : {};
  const button = el("button", { type: "button", class: kind, "data-short": short, ...named }, sign ?? label);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true"); // `disabled` would lose the focus
    try {
      await run();
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
  return button;
}

/**
 * Tells the host to do something, and says how it went.
 * @param {string} path
 * @param {object} how of api.js; the method is POST unless it says another one
 * @param {(answer: any) => string} done the words where it went well
 * @returns {Promise<boolean>} whether it went well
 */
export async function act(path, how, done) {
  try {
    const answer = await call(path, { method: "POST", ...how });
    say(done(answer));
    return true;
  } catch (error) {
    if (error.status !== 401) say(error.message, "error");
    return false;
  }
}
