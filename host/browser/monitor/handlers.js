/**
 * The view `handlers` comes in; the modules and what could not be loaded go out, with the buttons Reload and Stop
 * workers. Of a host that is viewed over a link it shows the same, and never a button.
 */

import { act, actButton } from "./act.js";
import { el } from "./elements.js";
import { ELSEWHERE, followView } from "./follow-view.js";
import { table } from "./table.js";
import { clock, count, exactTime, milliseconds, several, visible } from "./words.js";

/** Opens the panel. @param {HTMLElement} section @param {import("./place.js").Place} place */
export function handlers(section, place) {
  const here = place.viewing === null;
  const errors = el("ul");
  const box = el("div", { id: "load-errors", class: "problems", hidden: true }, el("h3", {}, "Not loaded"), errors);
  const modules = modulesTable(here);
  section.append(box, el("h3", {}, "Modules"), modules.element, here ? "" : el("p", {}, ELSEWHERE));
  const close = followView(section, "handlers", place, (view) => {
    modules.update(view.modules);
    showErrors(box, errors, view);
  });
  return { close };
}

function modulesTable(here) {
  const buttons = {
    name: "act",
    title: "Act",
    kind: "act",
    build: (current) => el("span", { class: "acts" }, reload(current().name), stop(current().name)),
  };
  return table({
    name: "modules",
    caption: "Modules and their handlers",
    key: ({ name }) => name,
    empty: "No module is loaded.",
    columns: [
      {
        name: "name",
        title: "Module",
        kind: "code",
        show: ({ name }) => name,
        hint: ({ file, source }) => [file, source].filter(Boolean).join(", "),
      },
      { name: "version", title: "Version", kind: "code", show: ({ version }) => version },
      { name: "loaded", title: "Loaded", show: ({ loaded }) => clock(loaded), hint: ({ loaded }) => exactTime(loaded) },
      {
        name: "handlers",
        title: "Handlers",
        kind: "words",
        show: ({ handlers: list }) => list.map(handlerWords).join(", ") || null,
      },
      { name: "mode", title: "Mode", show: ({ mode }) => mode },
      { name: "workers", title: "Workers", show: ({ workers }) => workerWords(workers) },
      { name: "requests", title: "Requests", kind: "number", show: ({ requests }) => count(requests) },
      {
        name: "errors",
        title: "Errors",
        kind: "number",
        show: ({ errors }) => count(errors),
        tone: ({ errors }) => (errors > 0 ? "bad" : null),
      },
      { name: "p50", title: "p50", kind: "number", show: ({ p50 }) => milliseconds(p50) },
      { name: "p99", title: "p99", kind: "number", show: ({ p99 }) => milliseconds(p99) },
      ...(here ? [buttons] : []),
    ],
  });
}

const handlerWords = ({ name, needs }) => (needs.length > 0 ? `${name} (needs ${needs.join(", ")})` : name);

function workerWords(workers) {
  const words = Object.entries(workers)
    .filter(([, size]) => size > 0)
    .map(([state, size]) => `${count(size)} ${state}`);
  return words.join(", ") || "none";
}

function reload(name) {
  return actButton({
    label: `Reload ${name}`,
    sign: "Reload",
    short: "↻",
    run: () =>
      act(
        "handlers/reload",
        { body: JSON.stringify({ module: name }) },
        () => `The module ${name} was read anew and serves.`,
      ),
  });
}

function stop(name) {
  return actButton({
    label: `Stop workers of ${name}`,
    sign: "Stop workers",
    short: "✕",
    kind: "danger",
    run: () =>
      act(
        "handlers/stop",
        { body: JSON.stringify({ module: name }) },
        ({ stopped }) =>
          `${several(stopped, "worker")} of ${name} ${stopped === 1 ? "ends" : "end"} when its request has its answer.`,
      ),
  });
}

/** Each newer file that does not serve, and each file that never did. */
function showErrors(box, list, { modules, notLoaded }) {
  const newer = modules
    .filter(({ error }) => error)
    .map(({ name, file, error }) => ({
      file,
      error,
      title: `A newer ${file} does not serve; ${name} serves as it was.`,
    }));
  const never = notLoaded.map(({ file, error }) => ({ file, error, title: `${file} is not loaded.` }));
  const all = [...newer, ...never];
  box.hidden = all.length === 0;
  const text = JSON.stringify(all);
  if (list.dataset.words === text) return; // a selection in the text survives
  list.dataset.words = text;
  list.replaceChildren(
    ...all.map(({ file, error, title }) =>
      el("li", { "data-key": file }, el("strong", {}, title), el("pre", {}, visible(error))),
    ),
  );
}
