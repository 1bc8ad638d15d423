/**
 * The numbers of the last quarter of an hour come in, and stand as lines in a small picture, with the same in words.
 * Where a number is not known the line has a gap. It never scales time: the right edge is now, the left one 15 minutes ago.
 */

import { el, put, set, svg } from "./elements.js";
import { clock } from "./words.js";

const STEPS = 180;
const HEIGHT = 60;

/**
 * @param {object} plan
 * @param {string} plan.name for `data-chart`
 * @param {string} plan.title
 * @param {boolean} [plan.logarithmic] for what has spikes a hundred times as high as all else
 * @param {{name: string, look: "area" | "line" | "dashed" | "bars"}[]} plan.series the first is drawn first
 * @param {(value: number | null) => string} plan.words a value with its unit
 * @returns {{element: HTMLElement, update: (history: {ends: number, seconds: number, lists: (number | null)[][]}) => void}}
 */
export function chart(plan) {
  const paths = plan.series.map(({ look }) => svg("path", { class: look }));
  const cursor = svg("path", { class: "cursor" });
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${STEPS} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": plan.title },
    ...paths,
    cursor,
  );
  const keys = plan.series.map(({ name, look }) => el("li", {}, key(look), name, " ", el("b")));
  const top = el("span", { class: "top-value" });
  const foot = el("span", { class: "foot-value" });
  const when = el("span");
  const element = el(
    "figure",
    { class: "chart", "data-chart": plan.name },
    el("figcaption", {}, el("span", { class: "chart-title" }, plan.title), el("ul", {}, ...keys)),
    el("div", { class: "plot" }, top, foot, picture),
    el("p", { class: "axis" }, el("span", {}, "15 min ago"), when, el("span", {}, "now")),
  );
  const view = { plan, paths, cursor, picture, keys, top, foot, when, at: null, history: null };
  picture.addEventListener("pointermove", (event) => point(view, event));
  picture.addEventListener("pointerleave", () => point(view, null));
  return { element, update: (history) => draw(view, history) };
}

function key(look) {
  return svg(
    "svg",
    { class: "key", viewBox: "0 0 18 10", "aria-hidden": "true" },
    svg("path", { class: look, d: look === "area" || look === "bars" ? "M1 9V3H17V9Z" : "M1 5H17" }),
  );
}

function draw(view, history) {
  view.history = history;
  const known = history.lists.flat().filter((value) => value !== null && value !== undefined);
  const most = Math.max(0, ...known);
  const least = view.plan.logarithmic ? Math.min(most, ...known.filter((value) => value > 0)) : 0;
  const height = heights(least, most, view.plan.logarithmic);
  view.plan.series.forEach(({ look }, at) => set(view.paths[at], "d", shape(look, history.lists[at], height)));
  put(view.top, most > 0 ? view.plan.words(most) : "");
  put(view.foot, least > 0 ? view.plan.words(least) : "");
  set(view.picture, "aria-label", inWords(view.plan, history));
  tell(view);
}

/** What the picture shows, for who does not see it. */
function inWords(plan, { lists }) {
  const parts = plan.series.map(({ name }, at) => {
    const known = lists[at].filter((value) => value !== null);
    if (known.length === 0) return `${name}: nothing yet`;
    return `${name}: ${plan.words(lists[at].at(-1))} at last, between ${plan.words(Math.min(...known))} and ${plan.words(Math.max(...known))}`;
  });
  return `${plan.title}, the last 15 minutes. ${parts.join(". ")}.`;
}

/** Gives the function from a value to its height in the picture, which is counted from above. */
function heights(least, most, logarithmic) {
  const room = HEIGHT - 4;
  const part = (value) => {
    if (most <= 0) return 0;
    if (!logarithmic) return value / most;
    return most > least ? Math.max(0, Math.log(value / least) / Math.log(most / least)) : 0.5;
  };
  return (value) => (HEIGHT - 1 - part(value) * room).toFixed(1);
}

function shape(look, list, height) {
  const first = STEPS - list.length;
  if (look === "bars")
    return list.map((value, at) => (value ? `M${first + at} ${HEIGHT}V${height(value)}h1V${HEIGHT}Z` : "")).join("");
  let path = "";
  list.forEach((value, at) => {
    if (value === null) return;
    const alone = at === 0 || list[at - 1] === null;
    // a number between gaps has no line to its neighbours: it gets a short one of its own
    const last = at + 1 === list.length || list[at + 1] === null;
    path += `${alone ? `M${first + at} ${height(value)}` : ""}L${first + at + (last ? 1 : 0.5)} ${height(value)}`;
  });
  return look === "area" && path ? `${path}H${STEPS}V${HEIGHT}H${first}Z` : path;
}

function point(view, event) {
  const box = view.picture.getBoundingClientRect();
  view.at = event
    ? Math.min(STEPS - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * STEPS)))
    : null;
  if (view.history) tell(view);
}

/** The numbers beside the names: those under the pointer, or else the newest. */
function tell({ plan, keys, cursor, when, at, history }) {
  set(cursor, "d", at === null ? null : `M${at + 0.5} 0V${HEIGHT}`);
  put(when, at === null ? "" : clock(history.ends - (STEPS - 1 - at) * history.seconds * 1000));
  keys.forEach((item, index) => {
    const list = history.lists[index];
    const value = at === null ? list.at(-1) : list[at - (STEPS - list.length)];
    put(item.lastChild, plan.words(value ?? null));
  });
}
