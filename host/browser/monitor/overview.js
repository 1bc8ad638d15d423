/**
 * The view `overview` comes in; what the host is and does goes out, with the buttons that stop a worker and the host.
 * Of a host that is viewed over a link it shows the same, and never a button.
 */

import { act, actButton } from "./act.js";
import { ask } from "./ask.js";
import { hostWasStopped, passwordIsKnown } from "./banner.js";
import { chart } from "./chart.js";
import { el, put } from "./elements.js";
import { facts } from "./facts.js";
import { ELSEWHERE, followView } from "./follow-view.js";
import { home } from "./home.js";
import { table } from "./table.js";
import { bytes, clock, cores, count, decimal, exactTime, milliseconds, span, visible } from "./words.js";

/** Opens the panel. @param {HTMLElement} section @param {import("./place.js").Place} place */
export function overview(section, place) {
  const here = place.viewing === null;
  const parts = {
    here,
    problems: el("ul", { class: "problems", hidden: true }),
    host: hostFacts(),
    load: loadFacts(),
    charts: charts(),
    workers: workersTable(here),
    settings: settingsTable(),
  };
  section.append(
    parts.problems,
    parts.host.element,
    here ? stopHost() : el("p", {}, ELSEWHERE),
    el("h3", {}, "The last 15 minutes"),
    el("div", { class: "charts" }, ...Object.values(parts.charts).map(({ element }) => element)),
    el("h3", {}, "Pool"),
    parts.load.element,
    el("h3", {}, "Workers"),
    parts.workers.element,
    el("h3", {}, "Configuration"),
    parts.settings.element,
  );
  return { close: followView(section, "overview", place, (view) => show(parts, view)) };
}

const hostFacts = () =>
  facts({
    serverName: "Name",
    host: "Host",
    role: "Role",
    version: "Version",
    pid: "Process",
    port: "Port",
    started: "Started",
    uptime: "Up for",
    memory: "Memory",
    cpu: "CPU, of one core",
  });

const loadFacts = () =>
  facts({
    running: "Running",
    waiting: "Waiting",
    refused: "Refused",
    size: "Pool size",
    requests: "Requests since start",
    errors: "Errors since start",
    callerErrors: "Caller errors since start",
  });

function charts() {
  return {
    rate: chart({
      name: "rate",
      title: "Requests per second",
      series: [{ name: "requests", look: "area" }],
      words: (value) => `${decimal(value)}/s`,
    }),
    errors: chart({
      name: "errors",
      title: "Errors in 5 seconds",
      series: [
        { name: "callers' (4xx)", look: "line" },
        { name: "the system's (5xx)", look: "bars" },
      ],
      words: count,
    }),
    latency: chart({
      name: "latency",
      title: "Latency, logarithmic",
      logarithmic: true,
      series: [
        { name: "p99", look: "dashed" },
        { name: "p50", look: "line" },
      ],
      words: milliseconds,
    }),
  };
}

function workersTable(here) {
  const stop = { name: "stop", title: "Stop", kind: "act", build: (current) => stopWorker(current().id) };
  return table({
    name: "workers",
    caption: "Workers",
    key: ({ id }) => id,
    empty: "No worker is there: one is made with the next request.",
    columns: [
      { name: "id", title: "Worker", kind: "number", show: ({ id }) => id },
      { name: "module", title: "Module", kind: "code", show: ({ module }) => module },
      { name: "version", title: "Version", kind: "code", show: ({ version }) => version },
      {
        name: "state",
        title: "State",
        show: ({ state }) => state,
        tone: ({ state }) => (state === "stopping" ? "warn" : null),
      },
      { name: "requests", title: "Requests", kind: "number", show: ({ requests }) => count(requests) },
      {
        name: "memory",
        title: "Memory",
        kind: "number",
        show: ({ memory }) => bytes(memory),
        hint: (worker) => `at most so far ${bytes(worker.memoryPeak)}, allowed ${bytes(worker.memoryLimit)}`,
      },
      {
        name: "age",
        title: "Age",
        kind: "number",
        show: ({ started, now }) => span((now - started) / 1000),
        hint: ({ started }) => exactTime(started),
      },
      ...(here ? [stop] : []),
    ],
  });
}

function stopWorker(id) {
  return actButton({
    label: `Stop worker ${id}`,
    sign: "✕",
    kind: "danger sign",
    run: () => act(`workers/${id}/stop`, {}, () => `Worker ${id} ends when its request has its answer.`),
  });
}

function settingsTable() {
  return table({
    name: "configuration",
    caption: "Configuration",
    key: ({ name }) => name,
    empty: "Nothing of it is told here.",
    columns: [
      { name: "name", title: "Name", kind: "code", show: ({ name }) => name },
      { name: "value", title: "Value", kind: "code", show: ({ value }) => value },
    ],
  });
}

function stopHost() {
  const button = actButton({
    label: "Stop host",
    kind: "danger",
    run: async () => {
      const answer = await ask({
        title: `Stop the host ${home.host}?`,
        act: "Stop host",
        words: [
          "Requests in flight get their answers; then the process ends, and this page with it.",
          "Nothing on this page can start it again.",
        ],
      });
      if (answer !== null && (await act("host/stop", {}, () => `The host ${home.host} is being stopped.`)))
        hostWasStopped();
    },
  });
  button.prepend(el("span", { class: "cross", "aria-hidden": "true" }, "✕ "));
  return el("p", {}, button);
}

function show(parts, view) {
  const { started, pool, totals, history } = view;
  if (parts.here) passwordIsKnown(view.defaultPassword);
  showProblems(parts.problems, view);
  parts.host.update(
    { ...view, started: clock(started), uptime: span(view.uptime), memory: bytes(view.memory), cpu: cores(view.cpu) },
    { started: exactTime(started) },
  );
  parts.load.update({
    running: count(pool.running),
    waiting: `${count(pool.waiting)} of ${count(pool.lineLimit)}`,
    refused: count(pool.refused),
    size: count(pool.size),
    requests: count(totals.requests),
    errors: count(totals.errors),
    callerErrors: count(totals.callerErrors),
  });
  const { ends, seconds } = history;
  parts.charts.rate.update({ ends, seconds, lists: [history.requests.map((size) => size / seconds)] });
  parts.charts.errors.update({ ends, seconds, lists: [history.callerErrors, history.errors] });
  parts.charts.latency.update({ ends, seconds, lists: [history.p99, history.p50] });
  parts.workers.update(view.workers.map((worker) => ({ ...worker, now: view.now })));
  parts.settings.update(flat(view.configuration ?? {}));
}

function showProblems(list, { problems = [], stopping }) {
  const words = stopping ? ["The host is stopping.", ...problems] : problems;
  list.hidden = words.length === 0;
  if (list.dataset.words === JSON.stringify(words)) return;
  list.dataset.words = JSON.stringify(words);
  list.replaceChildren(...words.map((word) => el("li", {}, visible(word))));
}

/** Blocks of the configuration as rows: `limits.memoryBytes`. */
function flat(block, before = "") {
  return Object.entries(block).flatMap(([name, value]) => {
    const path = before + name;
    const inner = value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length > 0;
    return inner
      ? flat(value, `${path}.`)
      : [{ name: path, value: typeof value === "string" ? value : JSON.stringify(value) }];
  });
}
