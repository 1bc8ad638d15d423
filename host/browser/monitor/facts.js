/**
 * Names and values come in and stand as a list of facts, changed in place. It never makes words of the values.
 */

import { el, put, set } from "./elements.js";
import { UNKNOWN, visible } from "./words.js";

/**
 * @param {Record<string, string>} titles the name of each fact and what is written before it
 * @returns {{element: HTMLElement, update: (values: Record<string, unknown>, hints?: Record<string, string | null>) => void}}
 */
export function facts(titles) {
  const cells = new Map(Object.keys(titles).map((name) => [name, el("dd", { "data-fact": name })]));
  const pairs = Object.entries(titles).map(([name, title]) => el("div", {}, el("dt", {}, title), cells.get(name)));
  return {
    element: el("dl", { class: "facts" }, ...pairs),
    update: (values, hints = {}) => {
      for (const [name, cell] of cells) {
        put(cell, visible(String(values[name] ?? UNKNOWN)));
        if (name in hints) set(cell, "title", hints[name]);
      }
    },
  };
}
