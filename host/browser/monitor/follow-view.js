/**
 * A panel and its view come in; the panel is fed for as long as it is open, and says where its host cannot be asked.
 * It never changes what the panel shows.
 */

import { el, put } from "./elements.js";
import { follow } from "./live.js";

/**
 * Feeds a panel from the stream of a view, of this host or of the one that is viewed.
 * @param {HTMLElement} section
 * @param {string} name of the view
 * @param {import("./place.js").Place} place
 * @param {(view: any) => void} onView
 * @param {() => object} [query] besides the host
 * @returns {() => void} ends it
 */
export function followView(section, name, place, onView, query = () => ({})) {
  section.querySelector(":scope > .banner")?.remove();
  const trouble = el("p", { class: "banner", "data-kind": "error", role: "status" });
  section.firstElementChild.after(trouble);
  section.dataset.state = "waiting"; // empty tables would say that nothing is there
  const { viewing } = place;
  return follow(name, {
    query: () => ({ host: viewing?.host, at: viewing?.at, ...query() }),
    onView: (view) => {
      delete section.dataset.state;
      onView(view);
    },
    onTrouble: (words) => put(trouble, words === null ? "" : inWords(viewing, words)),
  });
}

/** A host that is asked for another one may say itself that it cannot be asked. */
function inWords(viewing, words) {
  return viewing ? `${viewing.host} cannot be asked: ${words.replace(/^It cannot be asked: /, "")}` : words;
}

/** What stands where a button would be, were the host not another one. */
export const ELSEWHERE = "Sign in at that host's own page to change something.";
