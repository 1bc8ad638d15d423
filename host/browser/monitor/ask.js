/**
 * A question comes in and stands in a dialog; what somebody answered goes out. Cancel has the focus first, Escape
 * means Cancel, and the focus goes back to where it was. It never does anything about the answer.
 */

import { el, labelled, put } from "./elements.js";

/**
 * Asks before something is changed.
 * @param {object} question
 * @param {string} question.title
 * @param {(string | Node)[]} question.words a paragraph each, naming exactly what is going to happen
 * @param {string} question.act the words on the button that does it
 * @param {{label: string, hint: string, text: string, wrong: (text: string) => string | null}} [question.field]
 * @returns {Promise<string | null>} what stands in the field (or an empty text); `null`: cancelled
 */
export function ask({ title, words, act, field }) {
  const cancel = el("button", { type: "button", autofocus: true }, "Cancel");
  const input = field ? el("textarea", { rows: 4, spellcheck: "false", autocomplete: "off" }) : null;
  const wrong = el("p", { class: "wrong", role: "alert" });
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", { id: "ask-title" }, title),
    ...words.map((word) => (typeof word === "string" ? el("p", {}, word) : word)),
    field ? labelled(field.label, input, field.hint) : null,
    wrong,
    el("div", { class: "acts" }, cancel, el("button", { type: "submit", class: "danger" }, act)),
  );
  if (input) input.value = field.text;
  const dialog = el("dialog", { id: "ask", "aria-labelledby": "ask-title" }, form);
  return answerOf(dialog, form, cancel, input, (text) => {
    const words = field?.wrong(text) ?? null;
    put(wrong, words ?? "");
    return words === null;
  });
}

function answerOf(dialog, form, cancel, input, good) {
  const before = document.activeElement;
  return new Promise((resolve) => {
    let answer = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!good(input?.value ?? "")) return input.focus();
      answer = input?.value ?? "";
      dialog.close();
    });
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus?.();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    cancel.focus();
  });
}

/** Closes a question that stands open, as Cancel does: its host or session is gone. */
export function closeQuestion() {
  document.querySelector("dialog#ask")?.close();
}
