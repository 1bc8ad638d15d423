/**
 * A password comes in from the form, and whether the host took it goes out. It never keeps the password.
 */

import { call } from "./api.js";
import { el, labelled, put } from "./elements.js";
import { home } from "./home.js";
import { clock, span } from "./words.js";

/**
 * Makes the form.
 * @param {() => void} signedIn is called when the host has taken the password
 * @returns {HTMLElement}
 */
export function signInForm(signedIn) {
  const field = el("input", { type: "password", name: "password", autocomplete: "current-password", required: true });
  const wrong = el("p", { class: "wrong", id: "sign-in-error", role: "alert" });
  const form = el(
    "form",
    { id: "sign-in", method: "post", novalidate: true },
    el("h2", { tabindex: "-1" }, "Sign in"),
    el("p", {}, `The monitor of ${home.serverName ? `${home.serverName} (${home.host})` : home.host}.`),
    labelled("Management password", field),
    wrong,
    el("button", { type: "submit", class: "main" }, "Sign in"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    put(wrong, ""); // so that the same words are told again
    const words = await refusalOf(field.value);
    if (words === null) return signedIn();
    put(wrong, words);
    field.select();
    field.focus();
  });
  return form;
}

async function refusalOf(password) {
  if (password === "") return "Type the management password.";
  try {
    await call("session", { method: "POST", body: JSON.stringify({ password }) });
    return null;
  } catch (error) {
    return inWords(error);
  }
}

function inWords(error) {
  if (error.status === 401) return "Wrong password.";
  if (error.status === 0) return "The host does not answer. Try again in a moment.";
  if (error.status !== 429) return error.message;
  if (error.wait === null) return "Too many attempts. Try again in a minute.";
  return `Too many attempts. Try again in ${span(error.wait)}, at ${clock(Date.now() + error.wait * 1000)}.`;
}
