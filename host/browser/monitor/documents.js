/**
 * A path comes in from the address; the node that stands there and a page of its children go out. It never changes
 * a document: that is document-change.js, after a question.
 */

import { callText } from "./api.js";
import { passwordIsKnown } from "./banner.js";
import { changeButtons } from "./document-change.js";
import { hashOfNode, listedPath, nameToSee, PATH_HINT, typedPath } from "./document-path.js";
import { el, labelled, put, set } from "./elements.js";
import { parseExact, scalarText } from "./exact.js";
import { ELSEWHERE, followView } from "./follow-view.js";
import { jsonView } from "./json-view.js";
import { table } from "./table.js";

/** Children on one page. */
const LIMIT = 100;
/** Signs of a value in a list of children. */
const SHORT = 200;

/** Opens the panel. @param {HTMLElement} section @param {import("./place.js").Place} place */
export function documents(section, place) {
  if (place.viewing === null) return new Documents(section, place);
  section.append(el("p", {}, `The documents of ${place.viewing.host} are not shown here. ${ELSEWHERE}`));
  return { close: () => {} };
}

class Documents {
  #query;
  #node = null;
  #asked = 0;
  #crumbs = el("ol");
  #title = el("h3", { id: "node-name", tabindex: "-1" });
  #value = el("pre", { id: "node-value", hidden: true });
  #words = el("p", { id: "node-words", role: "status" });
  #json = jsonView();
  #change = changeButtons(
    () => this.#node,
    (gone) => this.#changed(gone),
  );
  #refresh = el("button", { type: "button", onclick: () => this.#load() }, "Refresh");
  #acts = el("div", { class: "acts" }, this.#json.button, this.#change.element, this.#refresh);
  #children = childrenTable();
  #previous = pageButton("Previous", () => this.#page("before", this.#node.children[0]?.name));
  #next = pageButton("Next", () => this.#page("after", this.#node.children.at(-1)?.name));
  #below = el(
    "div",
    {},
    el("h4", {}, "Below"),
    el("div", { class: "row" }, this.#beginForm(), el("div", { class: "acts" }, this.#previous, this.#next)),
    this.#children.element,
  );
  #stop;

  constructor(section, place) {
    section.append(
      el("nav", { "aria-label": "Document path", class: "crumbs" }, this.#crumbs),
      goToForm(),
      this.#title,
      this.#words,
      this.#value,
      this.#acts,
      this.#json.element,
      this.#below,
    );
    // documents have no stream; this one tells that the host and the session are still there
    this.#stop = followView(section, "overview", place, ({ defaultPassword }) => passwordIsKnown(defaultPassword));
    this.move(place);
  }

  close() {
    this.#asked += 1;
    this.#stop();
  }

  /** Another node or page of the same panel. @param {import("./place.js").Place} place */
  async move({ query }) {
    const before = this.#query?.get("path");
    const elsewhere = this.#query !== undefined && query.get("path") !== before;
    this.#query = query;
    this.#json.close();
    await this.#load();
    if (elsewhere) this.#title.focus({ preventScroll: false });
  }

  async #load() {
    const asked = (this.#asked += 1);
    try {
      const path = this.#path();
      this.#showPath(path);
      const { after, before, from } = Object.fromEntries(this.#query);
      const text = await callText("documents", {
        query: { path: JSON.stringify(path), after, before, from, limit: LIMIT },
      });
      if (asked === this.#asked) this.#show(path, parseExact(text));
    } catch (error) {
      if (asked === this.#asked) this.#fail(error);
    }
  }

  #path() {
    try {
      return listedPath(this.#query.get("path") ?? "[]");
    } catch (error) {
      this.#showPath([]); // else the words about the bad path would stand below the node before
      throw error;
    }
  }

  #fail(error) {
    this.#node = null;
    put(this.#words, error.message);
    this.#value.hidden = this.#acts.hidden = this.#below.hidden = true;
  }

  #showPath(path) {
    const names = ["All documents", ...path.map(nameToSee)];
    put(this.#title, names.at(-1));
    this.#crumbs.replaceChildren(
      ...names.map((name, at) =>
        el(
          "li",
          {},
          el(
            "a",
            { href: hashOfNode(path.slice(0, at)), "aria-current": at === path.length ? "location" : null },
            name,
          ),
        ),
      ),
    );
  }

  #show(path, node) {
    this.#node = { ...node, path };
    const root = path.length === 0;
    put(this.#words, wordsOf(node, root));
    put(this.#value, node.hasValue ? scalarText(node.value) : "");
    this.#value.hidden = !node.hasValue;
    this.#acts.hidden = false;
    this.#json.show(root || !node.exists ? null : path);
    this.#change.show();
    this.#below.hidden = !(root || node.hasChildren || node.previous || node.next);
    this.#children.update(node.children.map((child) => ({ ...child, path: [...path, child.name] })));
    set(this.#previous, "aria-disabled", node.previous ? null : "true");
    set(this.#next, "aria-disabled", node.next ? null : "true");
  }

  #page(word, name) {
    const empty = name === undefined; // begun behind the last name: the page before that name
    location.hash = hashOfNode(
      this.#node.path,
      empty ? { before: this.#query.get("from") ?? this.#query.get("after") } : { [word]: name },
    );
  }

  #changed(gone) {
    if (!gone) return this.#load();
    location.hash = hashOfNode(this.#node.path.slice(0, -1));
  }

  #beginForm() {
    const field = el("input", { type: "text", spellcheck: "false", autocapitalize: "off", autocomplete: "off" });
    const form = el(
      "form",
      { id: "begin-at", class: "row" },
      labelled("Begin at name", field),
      el("button", { type: "submit" }, "Begin"),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      location.hash = hashOfNode(this.#node.path, { from: field.value || null });
    });
    return form;
  }
}

function wordsOf({ exists, hasValue, hasChildren }, root) {
  if (root) return "";
  if (!exists) return "Nothing is here.";
  if (hasValue) return hasChildren ? "This node has a value and children. The value, as JSON:" : "The value, as JSON:";
  return hasChildren ? "This node has no value of its own." : "This is an empty object or list.";
}

function goToForm() {
  const field = el("input", { type: "text", spellcheck: "false", autocapitalize: "off", autocomplete: "off" });
  const wrong = el("p", { class: "wrong", role: "alert" });
  const form = el(
    "form",
    { id: "go-to", class: "row" },
    labelled("Go to path", field, PATH_HINT),
    el("button", { type: "submit" }, "Go"),
    wrong,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    put(wrong, "");
    try {
      location.hash = hashOfNode(typedPath(field.value));
    } catch (error) {
      put(wrong, error.message);
    }
  });
  return form;
}

function pageButton(words, run) {
  const button = el("button", { type: "button" }, words);
  button.addEventListener("click", () => button.getAttribute("aria-disabled") === "true" || run());
  return button;
}

/** A long value would push its siblings out of sight. */
function shortened({ value, cut }) {
  const text = scalarText(value);
  return cut || text.length > SHORT ? `${text.slice(0, SHORT)} … (open it to see all)` : text;
}

function childrenTable() {
  return table({
    name: "children",
    caption: "Children",
    key: ({ name }) => name,
    empty: "Nothing is here.",
    columns: [
      {
        name: "name",
        title: "Name",
        kind: "path",
        build: (current) => el("a", { href: hashOfNode(current().path) }, nameToSee(current().name)),
        refresh: (link, { path }) => set(link, "href", hashOfNode(path)),
      },
      {
        name: "value",
        title: "Value, as JSON",
        kind: "path",
        show: (child) => (child.hasValue ? shortened(child) : null),
      },
      {
        name: "open",
        title: "Children",
        kind: "act",
        build: (current) => el("a", { tabindex: "-1", "aria-label": `Open ${nameToSee(current().name)}` }, ">"),
        refresh: (link, { path, hasChildren }) => {
          link.hidden = !hasChildren;
          set(link, "href", hashOfNode(path));
        },
      },
    ],
  });
}
