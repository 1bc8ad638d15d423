/**
 * A request comes in; what is known about it goes out, with the log lines that belong to it. Lines that come later are
 * added; it never has a query, a header or a body, for the host tells none.
 */

import { el, put } from "./elements.js";
import { facts } from "./facts.js";
import { exactTime, instant, milliseconds, visible } from "./words.js";

/**
 * @param {object} request
 * @returns {{element: HTMLElement, update: (records: import("./records.js").Records) => void}}
 */
export function requestDetails(request) {
  const titles = {
    why: "Words",
    kind: "Kind",
    time: "Time",
    path: "Path",
    route: "Route",
    handler: "Handler",
    version: "Version",
    host: "Other host",
    took: "Took",
    line: "In the line",
    running: "In the handler",
    link: "On the link",
  };
  // what a request has not is not worth a place in the small room below its row
  const list = facts(
    Object.fromEntries(
      Object.entries(titles).filter(([name]) => (name === "why" ? request.words : request[name]) !== null),
    ),
  );
  list.update({
    ...request,
    why: request.words,
    time: instant(request.time),
    took: milliseconds(request.took),
    line: milliseconds(request.line),
    running: milliseconds(request.running),
    link: milliseconds(request.link),
  });
  const words = el("p", { class: "hint" });
  const lines = el("ol", { class: "lines", "data-lines-of": request.id });
  return {
    element: el(
      "div",
      { class: "details" },
      list.element,
      el("h4", {}, `Log lines of request ${request.id}`),
      words,
      lines,
    ),
    update: (records) => {
      const all = records.linesOf(request.id);
      put(words, all.length === 0 ? "No log line of this request is kept here." : "");
      for (const line of all.slice(lines.children.length)) lines.append(item(line));
    },
  };
}

const item = ({ number, time, level, text }) =>
  el(
    "li",
    { "data-key": number },
    el("time", { title: exactTime(time) }, instant(time)),
    " ",
    el("b", { "data-level": level }, level),
    " ",
    el("span", {}, visible(text)),
  );
