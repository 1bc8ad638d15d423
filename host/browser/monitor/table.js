/**
 * Rows come in, again and again, and stand in a table; a row is known by its key and changed in place. So focus,
 * selection and scroll position survive each update, and what has not changed costs nothing. It never sorts or filters.
 */

import { el, put, set } from "./elements.js";
import { UNKNOWN, visible } from "./words.js";

/**
 * @typedef {object} Column
 * @property {string} name for `data-column`
 * @property {string} title
 * @property {"number" | "code" | "path" | "words" | "log" | "act"} [kind]
 * @property {(row: any) => unknown} [show] the text of the cell; `null` is a dash
 * @property {(row: any) => string | null} [hint] the cell's title, made anew whenever its text changes
 * @property {(row: any) => string | null} [tone] `bad`, `warn` or `good`, in colour besides what the words say
 * @property {(current: () => any) => Node} [build] in place of `show`: makes the cell's content once; `current` gives the newest row
 * @property {(node: Node, row: any) => void} [refresh] changes what `build` made
 */

/**
 * Makes a table.
 * @param {object} plan
 * @param {string} plan.name for `data-table`
 * @param {string} plan.caption
 * @param {Column[]} plan.columns the first is the row's heading
 * @param {(row: any) => string} plan.key
 * @param {string} plan.empty what is said where no row is
 * @param {(row: any) => Node | null} [plan.whole] a row that is one cell from edge to edge, made once
 * @returns {{element: HTMLElement, update: (rows: any[]) => void}}
 */
export function table(plan) {
  const body = el("tbody");
  const heads = plan.columns.map((column) =>
    el(
      "th",
      { scope: "col", "data-kind": column.kind },
      column.kind === "act" ? el("span", { class: "unseen" }, column.title) : column.title,
    ),
  );
  const grid = el(
    "table",
    { "data-table": plan.name },
    el("caption", {}, plan.caption),
    el("thead", {}, el("tr", {}, ...heads)),
    body,
  );
  const frame = el("div", { class: "scroll", role: "group", "aria-label": plan.caption, tabindex: "0" }, grid);
  const empty = el("p", { class: "empty", hidden: true }, plan.empty);
  const lines = new Map();
  return {
    element: el("div", { class: "table" }, frame, empty),
    update: (rows) => {
      arrange(plan, lines, body, rows, frame);
      frame.hidden = rows.length === 0;
      empty.hidden = rows.length > 0;
    },
  };
}

function arrange(plan, lines, body, rows, frame) {
  const keys = keysOf(plan, rows);
  const kept = new Set(keys);
  for (const [key, line] of lines) {
    if (kept.has(key)) continue;
    // a focus that goes with its row would begin the page anew for who works with the keyboard
    if (line.node.contains(document.activeElement)) frame.focus({ preventScroll: true });
    line.node.remove();
    lines.delete(key);
  }
  let place = body.firstChild;
  for (const [at, row] of rows.entries()) {
    const key = keys[at];
    let line = lines.get(key);
    if (!line) lines.set(key, (line = newLine(plan, key, row)));
    refresh(line, row);
    // moved only where it stands wrong: moving takes the focus away
    if (line.node === place) place = place.nextSibling;
    else body.insertBefore(line.node, place);
  }
}

/** Two rows may have the same name; each has its own key all the same. */
function keysOf(plan, rows) {
  const seen = new Map();
  return rows.map((row) => {
    const key = String(plan.key(row));
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    return times === 1 ? key : `${key} #${times}`;
  });
}

function newLine(plan, key, row) {
  const line = { node: el("tr", { "data-key": key }), row: undefined, cells: [] };
  const whole = plan.whole?.(row);
  if (whole) line.node.append(el("td", { colspan: plan.columns.length, class: "whole" }, whole));
  else line.cells = plan.columns.map((column, at) => newCell(line, column, at, row));
  return line;
}

function newCell(line, column, at, row) {
  const attributes = { "data-column": column.name, "data-kind": column.kind, scope: at === 0 ? "row" : null };
  const node = el(at === 0 ? "th" : "td", attributes);
  line.row = row; // `build` may look at it at once
  const content = column.build?.(() => line.row) ?? null;
  if (content) node.append(content);
  line.node.append(node);
  return { node, column, content, text: null };
}

function refresh(line, row) {
  if (line.row === row && line.shown) return;
  line.row = row;
  line.shown = true;
  for (const cell of line.cells) refreshCell(cell, row);
}

function refreshCell(cell, row) {
  const { column, node, content } = cell;
  if (column.tone) set(node, "data-tone", column.tone(row));
  if (content) return column.refresh?.(content, row);
  const text = String(column.show(row) ?? UNKNOWN);
  if (text === cell.text) return;
  cell.text = text;
  put(node, visible(text));
  if (column.hint) set(node, "title", column.hint(row));
}
