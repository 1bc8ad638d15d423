/**
 * The path of a node comes in as somebody typed it or as the address has it, and goes out as a list of texts; and
 * back again. It never asks whether the node is there.
 */

import { parseExact, ExactNumber } from "./exact.js";
import { hashOf } from "./place.js";
import { visible } from "./words.js";

/** What a field for a path says about itself. */
export const PATH_HINT = 'A JSON list, ["Patients", "7", "name"], or names with slashes between them: Patients/7/name';

/**
 * @param {string} text a JSON list, or names with slashes between them
 * @returns {string[]}
 * @throws {Error} in words
 */
export function typedPath(text) {
  const trimmed = text.trim();
  if (trimmed.startsWith("[")) return listedPath(trimmed);
  const names = trimmed.replace(/^\/|\/$/g, "").split("/");
  if (names.length > 1 && names.includes(""))
    throw new Error("A name is empty. A name with a slash in it needs the JSON list.");
  return names[0] === "" ? [] : names;
}

/**
 * @param {string} text JSON
 * @returns {string[]}
 * @throws {Error} in words
 */
export function listedPath(text) {
  let list;
  try {
    list = parseExact(text);
  } catch {
    throw new Error("This begins like a JSON list, but is none.");
  }
  const names = Array.isArray(list) ? list.map((name) => (name instanceof ExactNumber ? name.text : name)) : [null];
  if (names.some((name) => typeof name !== "string" || name === ""))
    throw new Error("Each name of the list has to be a text or a number, and not empty.");
  return names;
}

/** @param {string[]} path @param {object} [page] `after`, `before` or `from` @returns {string} the address of a node */
export const hashOfNode = (path, page = {}) =>
  hashOf("documents", null, { path: path.length > 0 ? JSON.stringify(path) : null, ...page });

/** @param {string[]} path @returns {string} exactly, for questions and notices */
export const exactPath = (path) => visible(`[${path.map((name) => JSON.stringify(name)).join(", ")}]`);

/**
 * A name as it is shown: as it is, unless something of it could not be seen; then as JSON, which writes it out.
 * @param {string} name
 * @returns {string}
 */
export const nameToSee = (name) => (/^\s|\s$|[\t\n\r]/.test(name) || name === "" ? visible(JSON.stringify(name)) : visible(name));
