/**
 * The view `fleet` comes in; this host and all that it has links to go out, a row each, with a link that shows the
 * whole page for that host. It is always seen from the host that serves the page, and never changes anything.
 */

import { el, put, set } from "./elements.js";
import { followView } from "./follow-view.js";
import { hashOf } from "./place.js";
import { table } from "./table.js";
import { bytes, cores, count, decimal, milliseconds } from "./words.js";

/** Opens the panel. @param {HTMLElement} section @param {import("./place.js").Place} place */
export function fleet(section, place) {
  const hosts = table({
    name: "fleet",
    caption: "Hosts, rates and errors of the last 15 minutes",
    key,
    empty: "No host is known.",
    columns: columns(place.viewing),
  });
  section.append(
    el(
      "p",
      {},
      "This host, and each instance of each service that it has a link to. Rate, errors and p99 are those of the last 15 minutes; 100 % CPU is one core.",
    ),
    hosts.element,
  );
  const close = followView(section, "fleet", { ...place, viewing: null }, (view) => {
    const times = new Map();
    for (const { name } of view.hosts) times.set(name, (times.get(name) ?? 0) + 1);
    hosts.update(view.hosts.map((host) => ({ ...host, several: times.get(host.name) > 1 })));
  });
  return { close };
}

const key = ({ name, url }) => (url === null ? name : `${name} ${url}`);
const from =
  (pick) =>
  ({ overview }) =>
    overview === null ? null : pick(overview);

function columns(viewing) {
  return [
    {
      name: "host",
      title: "Host",
      kind: "code",
      build: () => el("span", {}, el("a"), el("span")),
      refresh: (node, host) => showName(node, host, viewing),
    },
    {
      name: "state",
      title: "State",
      kind: "words",
      show: ({ state, why }) => (why ? `${state}: ${why}` : state === "here" ? "this host" : state),
      tone: ({ state }) => ({ down: "bad", resting: "warn", silent: "warn" })[state] ?? "good",
    },
    { name: "rate", title: "Requests/s", kind: "number", show: from(({ last }) => decimal(last.perSecond)) },
    {
      name: "errors",
      title: "Errors",
      kind: "number",
      show: from(({ last }) => count(last.errors)),
      tone: ({ overview }) => (overview?.last.errors > 0 ? "bad" : null),
    },
    { name: "p99", title: "p99", kind: "number", show: from(({ last }) => milliseconds(last.p99)) },
    { name: "memory", title: "Memory", kind: "number", show: from(({ memory }) => bytes(memory)) },
    { name: "cpu", title: "CPU", kind: "number", show: from(({ cpu }) => cores(cpu)) },
    {
      name: "pool",
      title: "Pool running",
      show: from(({ pool }) => `${count(pool.running)} of ${count(pool.size)}, ${count(pool.waiting)} waiting`),
    },
    { name: "workers", title: "Workers", show: from(({ workers }) => workerWords(workers)) },
    { name: "url", title: "Address", kind: "code", show: ({ url }) => url },
  ];
}

function workerWords(workers) {
  const busy = workers.filter(({ state }) => state === "busy").length;
  return workers.length === 0 ? "none" : `${count(workers.length)}, ${count(busy)} busy`;
}

/** The name leads to the host; where it cannot be asked, or is seen already, it is only a name. */
function showName(node, host, viewing) {
  const [link, words] = node.children;
  const seen =
    host.url === null
      ? viewing === null
      : viewing?.host === host.name && (viewing.at === null || viewing.at === host.url);
  link.hidden = host.overview === null || seen;
  put(link, host.name);
  put(words, seen ? `${host.name} (seen)` : host.overview === null ? host.name : "");
  set(link, "aria-label", `View ${host.name}${host.several ? ` at ${host.url}` : ""}`);
  set(link, "href", host.url === null ? hashOf("overview") : hashOf("overview", { host: host.name, at: host.url }));
}
