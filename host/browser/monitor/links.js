/**
 * The view `links` comes in; each instance of each service and each host that calls this one go out, a row each. It
 * never changes a link.
 */

import { el } from "./elements.js";
import { followView } from "./follow-view.js";
import { table } from "./table.js";
import { clock, count, exactTime, milliseconds } from "./words.js";

const TONES = { ready: "good", resting: "warn", down: "bad" };

/** Opens the panel. @param {HTMLElement} section @param {import("./place.js").Place} place */
export function links(section, place) {
  const services = table({
    name: "services",
    caption: "Links to services",
    key: ({ service, url }) => `${service} ${url ?? ""}`,
    empty: "This host has no link to a service.",
    columns: [
      { name: "service", title: "Service", kind: "code", show: ({ service }) => service },
      { name: "url", title: "Address", kind: "code", show: ({ url }) => url },
      { name: "state", title: "State", show: ({ state }) => state, tone: ({ state }) => TONES[state] ?? null },
      { name: "since", title: "Since", show: ({ since }) => clock(since), hint: ({ since }) => exactTime(since) },
      { name: "why", title: "Why not", kind: "words", show: ({ why }) => why, tone: ({ why }) => (why ? "bad" : null) },
      { name: "roundTrip", title: "Round trip", kind: "number", show: ({ roundTrip }) => milliseconds(roundTrip) },
      { name: "inFlight", title: "In flight", kind: "number", show: ({ inFlight }) => count(inFlight) },
      { name: "reconnects", title: "Reconnects", kind: "number", show: ({ reconnects }) => count(reconnects) },
      { name: "version", title: "Version", kind: "code", show: ({ version }) => version },
      {
        name: "handlers",
        title: "Handlers",
        kind: "words",
        show: ({ handlers }) => (handlers?.length ? handlers.join(", ") : null),
      },
    ],
  });
  const callers = table({
    name: "callers",
    caption: "Hosts that have a link to this one",
    key: ({ id }) => id,
    empty: "No host has a link to this one.",
    columns: [
      { name: "host", title: "Host", kind: "code", show: ({ host }) => host },
      { name: "id", title: "Link", kind: "code", show: ({ id }) => id },
      { name: "address", title: "Address", kind: "code", show: ({ address }) => address },
      { name: "since", title: "Since", show: ({ since }) => clock(since), hint: ({ since }) => exactTime(since) },
      { name: "inFlight", title: "In flight", kind: "number", show: ({ inFlight }) => count(inFlight) },
      { name: "requests", title: "Requests", kind: "number", show: ({ requests }) => count(requests) },
    ],
  });
  section.append(el("h3", {}, "To services"), services.element, el("h3", {}, "From callers"), callers.element);
  const close = followView(section, "links", place, (view) => {
    services.update(view.services.flatMap(rowsOf));
    callers.update(view.callers);
  });
  return { close };
}

function rowsOf({ name, instances }) {
  if (instances.length > 0) return instances.map((instance) => ({ service: name, ...instance }));
  return [
    {
      service: name,
      url: null,
      state: "down",
      why: "no instance is known",
      since: null,
      roundTrip: null,
      inFlight: null,
      reconnects: null,
      version: null,
      handlers: [],
    },
  ];
}
