/**
 * The times of a request come in; where its time went goes out, as a bar and in numbers. It never guesses: what is
 * neither line, handler nor link is the host's own.
 */

import { el, svg } from "./elements.js";
import { milliseconds } from "./words.js";

const PARTS = [["line", "line"], ["running", "handler"], ["link", "link"]];

/**
 * @param {{took: number, line: number | null, running: number | null, link: number | null}} request
 * @returns {HTMLElement}
 */
export function timeBar(request) {
  const known = PARTS.map(([name]) => request[name] ?? 0);
  const all = Math.max(request.took, known.reduce((sum, part) => sum + part, 0)) || 1;
  let left = 0;
  const rects = known.map((part, at) => {
    const x = left;
    left += (part / all) * 100;
    return part > 0 ? svg("rect", { class: `part-${PARTS[at][0]}`, x: x.toFixed(2), width: ((part / all) * 100).toFixed(2), height: 8 }) : null;
  });
  const words = PARTS.filter(([name]) => request[name] !== null).map(([name, title]) => `${title} ${milliseconds(request[name])}`);
  return el("span", { class: "where" },
    svg("svg", { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { class: "part-rest", width: 100, height: 8 }), ...rects),
    el("span", {}, words.join(", ") || "the host itself"));
}

/** What the colours of the bars mean. @returns {HTMLElement} */
export function timeLegend() {
  const items = [["line", "line: waiting for a worker"], ["running", "handler: running"], ["link", "link: waiting for another host"], ["rest", "the host itself"]];
  return el("ul", { class: "legend" }, ...items.map(([name, words]) => el("li", {}, svg("svg", { class: "key", viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("rect", { class: `part-${name}`, width: 10, height: 10 })), words)));
}
