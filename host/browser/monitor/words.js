/**
 * Numbers and times of the API come in, words for people go out. What is not known (`null`) is a dash. It never
 * touches the page.
 */

export const UNKNOWN = "–";

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const two = (value) => String(value).padStart(2, "0");

const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);

/** @param {number | null} value @returns {string} a count: 1,234 */
export const count = (value) => (known(value) ? whole.format(value) : UNKNOWN);

/** @param {number | null} value @returns {string} a number with two places at most */
export const decimal = (value) => (known(value) ? number.format(value) : UNKNOWN);

/** @param {number | null} milliseconds @returns {string} 0.41 ms, 1.2 s */
export function milliseconds(value) {
  if (!known(value)) return UNKNOWN;
  if (value >= 10_000) return `${decimal(Math.round(value / 100) / 10)} s`;
  return `${decimal(value >= 100 ? Math.round(value) : value)} ms`;
}

/** @param {number | null} bytes @returns {string} 39.3 MiB */
export function bytes(value) {
  if (!known(value)) return UNKNOWN;
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** @param {number | null} value in cores @returns {string} of one core: 1.3 %, 240 % */
export const cores = (value) =>
  known(value) ? `${value < 1 ? (value * 100).toFixed(1) : whole.format(value * 100)} %` : UNKNOWN;

/** @param {number | null} seconds @returns {string} a length of time in its two largest units: 2 d 3 h */
export function span(seconds) {
  if (!known(seconds)) return UNKNOWN;
  const left = Math.max(0, Math.floor(seconds));
  const parts = [
    [Math.floor(left / 86400), "d"],
    [Math.floor(left / 3600) % 24, "h"],
    [Math.floor(left / 60) % 60, "min"],
    [left % 60, "s"],
  ];
  const first = parts.findIndex(([size]) => size > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .map(([size, unit]) => `${size} ${unit}`)
    .join(" ");
}

const dayWords = (date) =>
  `${date.getDate()} ${["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][date.getMonth()]}`;

/** @param {number | null} time @returns {string} the local time of day, with the day if it is another one */
export function clock(time) {
  if (!known(time)) return UNKNOWN;
  const date = new Date(time);
  const words = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`; // Intl takes ten times as long
  return time >= new Date().setHours(0, 0, 0, 0) ? words : `${dayWords(date)} ${words}`;
}

/** @param {number | null} time @returns {string} as {@link clock}, with milliseconds */
export const instant = (time) =>
  known(time) ? `${clock(time)}.${String(Math.floor(time) % 1000).padStart(3, "0")}` : UNKNOWN;

/** @param {number | null} time @returns {string | null} the whole time for a title: local, and as the log has it */
export function exactTime(time) {
  if (!known(time)) return null;
  const date = new Date(time);
  return `${date.toString()}, ${date.toISOString()}`;
}

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * Signs that turn, move or hide what follows them, written as their codes: a stranger's text is to look as it is.
 * @param {string} text
 * @returns {string}
 */
export const visible = (text) =>
  text.replace(HIDDEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** @param {number} size @param {string} one @param {string} [many] @returns {string} 1 worker, 2 workers */
export const several = (size, one, many = `${one}s`) => `${count(size)} ${size === 1 ? one : many}`;
