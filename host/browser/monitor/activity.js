/**
 * What is new of the view `activity` comes in; the latest requests, each with its log lines when it is opened, and the
 * latest log lines go out. While it is paused it goes on gathering, and never changes what is shown.
 */

import { el, labelled, put, set } from "./elements.js";
import { followView } from "./follow-view.js";
import { logLines } from "./log-lines.js";
import { lineFilter, Records, requestFilter } from "./records.js";
import { requestDetails } from "./request-details.js";
import { table } from "./table.js";
import { timeBar, timeLegend } from "./time-bar.js";
import { exactTime, instant, milliseconds, several } from "./words.js";

const STATUS = { all: "All", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx", gone: "Caller went away" };

/** After new rows were shown, the page rests so many times as long as it took. */
const REST = 3;

/** Opens the panel. @param {HTMLElement} section @param {import("./place.js").Place} place */
export function activity(section, place) {
  return new Activity(section, place);
}

class Activity {
  #section;
  #place;
  #records = new Records();
  #shown = null; // the records as they were when Pause was pressed
  #open = new Map(); // details of the requests that stand open, by number
  #filter = el("input", { type: "search", spellcheck: "false", autocomplete: "off" });
  #status = el("select", {}, ...Object.entries(STATUS).map(([value, title]) => el("option", { value }, title)));
  #pause = el("button", { type: "button", "aria-pressed": "false" }, "Pause");
  #paused = el("span", { class: "hint" });
  #counted = el("p", { class: "hint" });
  #requests = this.#requestsTable();
  #lines = this.#linesTable();
  #stop = () => {};
  #waiting;
  #restUntil = 0;

  constructor(section, place) {
    this.#section = section;
    this.#place = place;
    this.#status.value = "all";
    this.#filter.addEventListener("input", () => this.#show());
    this.#status.addEventListener("input", () => this.#show());
    this.#pause.addEventListener("click", () => this.#turnPause());
    section.append(
      el(
        "div",
        { class: "row" },
        labelled("Filter", this.#filter),
        labelled("Status", this.#status),
        this.#pause,
        this.#paused,
      ),
      el("h3", {}, "Latest requests"),
      timeLegend(),
      this.#counted,
      this.#requests.element,
      el("h3", {}, "Latest log lines"),
      ...(place.viewing ? [] : [logLines()]),
      this.#lines.element,
    );
    this.#follow();
  }

  close() {
    clearTimeout(this.#waiting);
    this.#stop();
  }

  #follow() {
    this.#stop();
    this.#stop = followView(
      this.#section,
      "activity",
      this.#place,
      (view) => this.#take(view),
      () => this.#records.last,
    );
  }

  #take(view) {
    const isOpen = ({ number }) => this.#open.has(number);
    if (!this.#records.take(view, isOpen)) return this.#follow();
    this.#showSoon();
  }

  /** A host with hundreds of requests a second must not keep the browser busy with nothing but new rows. */
  #showSoon() {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(
      () => {
        const began = performance.now();
        this.#show();
        // what was shown is laid out and painted before the next timer runs
        requestAnimationFrame(() =>
          setTimeout(() => (this.#restUntil = performance.now() + REST * (performance.now() - began))),
        );
      },
      Math.max(0, this.#restUntil - performance.now()),
    );
  }

  #turnPause() {
    const { requests, lines } = this.#records;
    this.#shown = this.#shown ? null : { requests, lines, last: this.#records.last };
    set(this.#pause, "aria-pressed", String(this.#shown !== null));
    this.#show();
  }

  #show() {
    const { requests, lines, last } = this.#shown ?? this.#records;
    const newer = this.#records.last.requests - last.requests;
    put(this.#paused, this.#shown ? `Paused. ${several(newer, "newer request")} not shown.` : "");
    const wanted = requests.filter(requestFilter(this.#filter.value, this.#status.value));
    put(this.#counted, `${several(wanted.length, "request")} of the latest ${requests.length} shown.`);
    this.#requests.update(
      wanted.flatMap((request) => (this.#open.has(request.number) ? [request, { details: request }] : [request])),
    );
    this.#lines.update(lines.filter(lineFilter(this.#filter.value)));
    for (const details of this.#open.values()) details.update(this.#records);
  }

  #turnOpen(request) {
    if (!this.#open.delete(request.number)) this.#open.set(request.number, requestDetails(request));
    this.#show();
  }

  #requestsTable() {
    const bad = ({ status }) => (status === null || status >= 500 ? "bad" : status >= 400 ? "warn" : null);
    return table({
      name: "requests",
      caption: "Latest requests, the newest first",
      empty: "No request is here.",
      key: ({ number, details }) => (details ? `${details.number}-details` : number),
      whole: ({ details }) => (details ? this.#open.get(details.number).element : null),
      columns: [
        { name: "time", title: "Time", kind: "code", build: (current) => this.#opener(current()) },
        {
          name: "status",
          title: "Status",
          show: ({ status }) => status ?? "gone",
          hint: ({ status }) => (status === null ? "The caller went away before the answer." : null),
          tone: bad,
        },
        { name: "method", title: "Method", kind: "code", show: ({ method }) => method },
        { name: "path", title: "Path", kind: "path", show: ({ path }) => path },
        { name: "took", title: "Took", kind: "number", show: ({ took }) => milliseconds(took) },
        { name: "where", title: "Where the time went, in ms", build: (current) => timeBar(current()) },
        {
          name: "handler",
          title: "Handler",
          kind: "code",
          show: ({ handler, host }) => [handler, host && `on ${host}`].filter(Boolean).join(" ") || null,
        },
        { name: "version", title: "Version", kind: "code", show: ({ version }) => version },
        { name: "route", title: "Route", kind: "path", show: ({ route }) => route },
        { name: "id", title: "Request", kind: "code", show: ({ id }) => id },
      ],
    });
  }

  #opener(request) {
    const button = el("button", {
      type: "button",
      class: "opener",
      "aria-label": `Open request ${request.number}`,
      "aria-expanded": "false",
    });
    button.addEventListener("click", () => {
      this.#turnOpen(request);
      set(button, "aria-expanded", String(this.#open.has(request.number)));
    });
    // a row that the filter had taken away is made anew
    set(button, "aria-expanded", String(this.#open.has(request.number)));
    return el("span", { title: exactTime(request.time) }, button, instant(request.time));
  }

  #linesTable() {
    const tones = { error: "bad", warn: "warn", warning: "warn" };
    return table({
      name: "lines",
      caption: "Latest log lines, the newest first",
      key: ({ number }) => number,
      empty: "No log line is here.",
      columns: [
        {
          name: "time",
          title: "Time",
          kind: "code",
          show: ({ time }) => instant(time),
          hint: ({ time }) => exactTime(time),
        },
        { name: "level", title: "Level", show: ({ level }) => level, tone: ({ level }) => tones[level] ?? null },
        { name: "text", title: "Text", kind: "log", show: ({ text }) => text },
        { name: "request", title: "Request", kind: "code", build: (current) => this.#requestLink(current().request) },
      ],
    });
  }

  /** From a line to its request, and to the other lines of it. */
  #requestLink(id) {
    if (id === null) return el("span", {}, "–");
    return el(
      "button",
      {
        type: "button",
        class: "plain",
        title: "Show only what belongs to this request",
        onclick: () => {
          this.#filter.value = id;
          this.#show();
          this.#filter.focus();
        },
      },
      id,
    );
  }
}
