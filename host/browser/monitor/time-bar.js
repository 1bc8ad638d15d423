/**
 * The times of a request come in; where its time went goes out, as a bar and in numbers. It never guesses: what is
 * neither line, handler nor link is the host's own.
 */

import { el, svg } from "./elements.js";
import { decimal } from "./words.js";

const PARTS = [
  ["line", "line"],
  ["running", "handler"],
  ["link", "link"],
];

/**
 * @param {{took: number, line: number | null, running: number | null, link: number | null}} request
 * @returns {HTMLElement}
 */
export function timeBar(request) {
  const known = PARTS.map(([name]) => request[name] ?? 0);
  const all =
    Math.max(
      request.took,
      known.reduce((sum, part) => sum + part, 0),
    ) || 1;
  let left = 0;
  const bar = el("span", { class: "bar" });
  known.forEach((part, at) => {
    left += (part / all) * 100;
    bar.style.setProperty(`--${PARTS[at][0]}`, `${left.toFixed(1)}%`);
  });
  const words = PARTS.filter(([name]) => request[name] !== null).map(
    ([name, title]) => `${title} ${decimal(request[name])}`,
  );
  return el("span", { class: "where" }, bar, el("span", {}, words.join(" · ") || "the host itself"));
}

/** What the colours of the bars mean. @returns {HTMLElement} */
export function timeLegend() {
  const items = [
    ["line", "line: waiting for a worker"],
    ["running", "handler: running"],
    ["link", "link: waiting for another host"],
    ["rest", "the host itself"],
  ];
  return el(
    "ul",
    { class: "legend" },
    ...items.map(([name, words]) =>
      el(
        "li",
        {},
        svg(
          "svg",
          { class: "key", viewBox: "0 0 10 10", "aria-hidden": "true" },
          svg("rect", { class: `part-${name}`, width: 10, height: 10 }),
        ),
        words,
      ),
    ),
  );
}
