/**
 * The view `routes` comes in and stands as a table; a method and a path come in, and which route would answer, and
 * why, goes out. It never sends the request itself.
 */

import { call } from "./api.js";
import { el, labelled } from "./elements.js";
import { facts } from "./facts.js";
import { followView } from "./follow-view.js";
import { table } from "./table.js";
import { UNKNOWN } from "./words.js";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "MESSAGE"];

/** Opens the panel. @param {HTMLElement} section @param {import("./place.js").Place} place */
export function routes(section, place) {
  const list = table({
    name: "routes",
    caption: "Routes, in the order of their lines",
    key: ({ method, path }) => `${method} ${path}`,
    empty: "There are no routes.",
    columns: [
      { name: "method", title: "Method", kind: "code", show: ({ method }) => method },
      { name: "path", title: "Path", kind: "code", show: ({ path }) => path },
      { name: "kind", title: "Kind", show: ({ kind }) => kind },
      { name: "to", title: "Answered by", kind: "words", show: ({ to }) => to },
      {
        name: "destinations",
        title: "Destinations",
        kind: "words",
        show: ({ destinations }) => (destinations?.length ? destinations.join(", ") : null),
      },
      { name: "handler", title: "Handler", kind: "code", show: ({ handler }) => handler },
      { name: "authenticate", title: "Token needed", show: ({ authenticate }) => (authenticate ? "yes" : "no") },
      { name: "line", title: "Line", kind: "number", show: ({ line }) => line },
    ],
  });
  const box =
    place.viewing === null
      ? decideBox()
      : el("p", {}, "Which route answers a path can be asked at that host's own page.");
  section.append(el("h3", {}, "Which route answers?"), box, el("h3", {}, "All routes"), list.element);
  return { close: followView(section, "routes", place, (view) => list.update(view.routes)) };
}

function decideBox() {
  const method = el("select", {}, ...METHODS.map((name) => el("option", { value: name }, name)));
  const path = el("input", {
    type: "text",
    required: true,
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    placeholder: "/api/info",
  });
  const answer = el("div", { id: "decision", role: "status" });
  const form = el(
    "form",
    { id: "decide", class: "row" },
    labelled("Method", method),
    labelled("Path", path, "For MESSAGE: /APPLICATION/TYPE"),
    el("button", { type: "submit" }, "Which route answers?"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    answer.replaceChildren(...(await decisionOf(method.value, path.value.trim())));
  });
  return el("div", {}, form, answer);
}

async function decisionOf(method, path) {
  try {
    return decision(method, path, await call("routes/decide", { query: { method, path } }));
  } catch (error) {
    return [el("p", { class: "wrong" }, error.message)];
  }
}

function decision(method, path, { route, to, handler, variables, module, version, why }) {
  const asked = `${method} ${path}`;
  const list = facts({
    route: "Route",
    to: "Answered by",
    handler: "Handler",
    module: "Module",
    version: "Version",
    variables: "Variables",
  });
  const values = Object.entries(variables ?? {}).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  list.update({
    route: route ? `${route.method} ${route.path}` : null,
    to,
    handler,
    module,
    version,
    variables: values.join(", ") || UNKNOWN,
  });
  return [
    el("p", {}, el("strong", {}, route ? `${asked} is answered by ${to}.` : `No route answers ${asked}.`)),
    route ? list.element : "",
    el("ul", {}, ...why.map((reason) => el("li", {}, reason))),
  ];
}
