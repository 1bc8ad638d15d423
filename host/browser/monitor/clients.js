/**
 * The view `clients` comes in; the browsers and programs that hold a socket go out, a row each, with a button that
 * closes it after a question. Of a host that is viewed over a link it shows the same, and never a button.
 */

import { act, actButton } from "./act.js";
import { ask } from "./ask.js";
import { el, put } from "./elements.js";
import { ELSEWHERE, followView } from "./follow-view.js";
import { table } from "./table.js";
import { clock, count, exactTime, span } from "./words.js";

/** Ages grow while nothing else changes: they are written anew after so many milliseconds. */
const AGES = 5_000;

/** Opens the panel. @param {HTMLElement} section @param {import("./place.js").Place} place */
export function clients(section, place) {
  const here = place.viewing === null;
  const list = clientsTable(here);
  const words = el("p", { "data-fact": "count" });
  let rows = [];
  const show = () => {
    const now = Date.now();
    list.update(rows.map((client) => ({ ...client, now })));
  };
  section.append(words, list.element, here ? "" : el("p", {}, ELSEWHERE));
  const close = followView(section, "clients", place, (view) => {
    rows = view.clients;
    put(words, inWords(view));
    show();
  });
  const timer = setInterval(show, AGES);
  return {
    close: () => {
      clearInterval(timer);
      close();
    },
  };
}

function inWords({ clients: told, count: size, limit }) {
  return `${count(size)} of at most ${count(limit)} are connected.${told.length < size ? ` The newest ${count(told.length)} are shown.` : ""}`;
}

function clientsTable(here) {
  const button = { name: "act", title: "Disconnect", kind: "act", build: (current) => disconnect(current) };
  return table({
    name: "clients",
    caption: "Clients",
    key: ({ id }) => id,
    empty: "No client is connected.",
    columns: [
      { name: "id", title: "Client", kind: "code", show: ({ id }) => id },
      { name: "address", title: "Address", kind: "code", show: ({ address }) => address },
      { name: "application", title: "Application", show: ({ application }) => application ?? "not registered yet" },
      { name: "since", title: "Since", show: ({ since }) => clock(since), hint: ({ since }) => exactTime(since) },
      { name: "age", title: "Age", kind: "number", show: ({ since, now }) => span((now - since) / 1000) },
      { name: "received", title: "Received", kind: "number", show: ({ received }) => count(received) },
      { name: "sent", title: "Sent", kind: "number", show: ({ sent }) => count(sent) },
      ...(here ? [button] : []),
    ],
  });
}

function disconnect(current) {
  const { id } = current();
  const button = actButton({
    label: `Disconnect client ${id}`,
    sign: "Disconnect",
    short: "✕",
    kind: "danger",
    run: async () => {
      const { address, application } = current();
      const answer = await ask({
        title: `Disconnect client ${id}?`,
        act: "Disconnect",
        words: [
          `It calls from ${address}, ${application === null ? "and has not registered yet" : `for the application ${application}`}. Its socket is closed; a qewd client comes back by itself.`,
        ],
      });
      if (answer !== null)
        await act(`clients/${encodeURIComponent(id)}/disconnect`, {}, () => `Client ${id} was disconnected.`);
    },
  });
  return button;
}
