// The monitor's page as its user sees it: the sign-in form, the panels and their tables, the question before an act.
// In go pages and the names of panels, tables, rows and columns; out come places on the page and what stands there.
// It knows the page's words and marks, and nothing of hosts.

import { until, untilMatches } from "./until.mjs";

/** The password that every host has until it is set. */
export const DEFAULT_PASSWORD = "keepThisSecret!";
/** All panels, in the order of the page. */
export const PANELS = ["Overview", "Fleet", "Links", "Handlers", "Routes", "Document Store", "Clients", "Activity"];

/** Types a password and sends it. */
export async function tryPassword(page, password) {
  await page.getByLabel("Management password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Signs in and waits for the panels. */
export async function signIn(page, password = DEFAULT_PASSWORD) {
  await tryPassword(page, password);
  await page.getByRole("navigation", { name: "Panels" }).waitFor();
}

/** The mark of a panel: its name, but for the one that is named as people know it. */
const markOf = (name) => (name === "Document Store" ? "documents" : name.toLowerCase());

/** The place of a panel, which is there only while it is open. */
export const panel = (page, name) => page.locator(`section[data-panel="${markOf(name)}"]`);

/** Opens a panel by its link. */
export async function open(page, name) {
  const link = page.getByRole("navigation", { name: "Panels" }).getByRole("link", { name, exact: true });
  await link.click();
  await panel(page, name).waitFor();
  await until(`${name} is marked as open`, async () => (await link.getAttribute("aria-current")) === "page");
}

/** All rows of a table that have a key. */
export const rows = (page, table) => page.locator(`table[data-table="${table}"] tr[data-key]`);

/** The row of a key. */
export const row = (page, table, key) => page.locator(`table[data-table="${table}"] tr[data-key=${JSON.stringify(String(key))}]`);

/** A row by what stands in one of its columns. */
export const rowWith = (page, table, column, text) =>
  rows(page, table).filter({ has: page.locator(`[data-column="${column}"]`, { hasText: text }) });

/** The cell of a row. */
export const cell = (row, column) => row.locator(`[data-column="${column}"]`);

/** The keys of all rows. */
export const keys = (page, table) => rows(page, table).evaluateAll((all) => all.map((row) => row.dataset.key));

/** Waits until a place shows a text that the pattern matches; the match. */
export const shows = (place, pattern) => untilMatches(`${place} shows it`, pattern, () => place.innerText({ timeout: 1000 }));

/** Waits until a place is there no more, or is not to be seen. */
export const isGone = (place) => place.waitFor({ state: "hidden" });

/** The place of a fact in the overview. */
export const fact = (page, name) => page.locator(`[data-fact="${name}"]`);

/** The question that the page asks before an act. */
export const question = (page) => page.locator("dialog#ask[open]");

/** Answers it with the button of this name. */
export async function answer(page, button) {
  await question(page).getByRole("button", { name: button, exact: true }).click();
  await isGone(question(page));
}
