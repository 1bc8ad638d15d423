/**
 * JSON text comes in; values go out in which each number keeps its text, and JSON text for people. JSON.parse alone
 * makes 9007199254740992 of 9007199254740993 and 1 of 1.0; here a number is never made a float.
 */

import { visible } from "./words.js";

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}[\],:]|true|false|null/g;
const MARK = "\u0000number";

/** A number as it was written. */
export class ExactNumber {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

/**
 * Reads JSON; numbers come as {@link ExactNumber}.
 * @param {string} text
 * @returns {unknown}
 */
export function parseExact(text) {
  JSON.parse(text); // what is no JSON is refused here, with the parser's own words
  const marked = text.replace(TOKENS, (token) => (/^[-\d]/.test(token) ? `{"\\u0000number":"${token}"}` : token));
  return JSON.parse(marked, (_, value) =>
    value && typeof value === "object" && MARK in value ? new ExactNumber(value[MARK]) : value,
  );
}

/**
 * One value of a document as JSON: a text has its quotes, a number its digits. Signs that turn or hide what
 * follows them are written as their codes.
 * @param {unknown} value
 * @returns {string}
 */
export function scalarText(value) {
  return value instanceof ExactNumber ? value.text : visible(JSON.stringify(value));
}

/**
 * Checks what somebody typed as a value.
 * @param {string} text
 * @returns {string | null} what is wrong with it; `null` if it is one text, number, flag or null
 */
export function wrongScalar(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return 'This is no JSON value. A text needs its quotes: "like this"; without them only a number, true, false or null can stand.';
  }
  return value !== null && typeof value === "object"
    ? "Only one value can stand here: a text, a number, true, false or null."
    : null;
}

/**
 * JSON with a line for each value, its numbers untouched.
 * @param {string} text
 * @param {number} [most] characters; it ends soon after them
 * @returns {string}
 */
export function indented(text, most = Infinity) {
  let depth = 0;
  let out = "";
  let open = false; // the last token opened a list or an object
  for (const [token] of text.matchAll(TOKENS)) {
    if (out.length > most) break;
    const closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    if (closes ? !open : open) out += newline(depth);
    open = token === "{" || token === "[";
    if (open) depth += 1;
    out += token[0] === '"' ? visible(token) : token;
    if (token === ",") out += newline(depth);
    if (token === ":") out += " ";
  }
  return out;
}

const newline = (depth) => `\n${"  ".repeat(depth)}`;
