/**
 * Names, attributes and children come in; elements of the page go out. Texts become text nodes: it never reads
 * markup from data, since paths, log lines and documents are written by strangers.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an HTML element.
 * @param {string} name
 * @param {Record<string, unknown>} [attributes] a function is a listener (`onclick`), `true` an empty attribute;
 *   `null`, `undefined` and `false` are left out
 * @param {...(Node | string | null)} children `null` is left out
 * @returns {HTMLElement}
 */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/**
 * Makes an SVG element; the arguments are those of {@link el}.
 * @returns {SVGElement}
 */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else set(node, name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * Sets or removes an attribute, and touches nothing if it is so already: each touch costs a new layout.
 * @param {Element} node
 * @param {string} name
 * @param {unknown} value
 */
export function set(node, name, value) {
  if (value === null || value === undefined || value === false) return node.removeAttribute(name);
  const text = value === true ? "" : String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/**
 * Writes a text into a node, if it is not there already: a selection in it survives.
 * @param {Node} node
 * @param {unknown} text
 */
export function put(node, text) {
  const words = String(text);
  if (node.textContent !== words) node.textContent = words;
}

/**
 * The one element with this id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export const byId = (id) => document.getElementById(id);

let labels = 0;

/**
 * A labelled field.
 * @param {string} words the label
 * @param {HTMLElement} field
 * @param {string} [hint] a sentence below, tied to the field
 * @returns {HTMLElement}
 */
export function labelled(words, field, hint) {
  const id = `field-${(labels += 1)}`;
  field.id = id;
  if (hint) field.setAttribute("aria-describedby", `${id}-hint`);
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, words),
    field,
    hint ? el("p", { class: "hint", id: `${id}-hint` }, hint) : null,
  );
}
