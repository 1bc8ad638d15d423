/**
 * What is new of the view `activity` comes in; the newest requests and log lines go out. It keeps a limited number of
 * both, except what belongs to a request that stands open, and never touches the page.
 */

const REQUESTS = 500;
const LINES = 1000;

export class Records {
  /** Newest first. */
  requests = [];
  /** Newest first. */
  lines = [];
  /** The numbers above which something is new. */
  last = { requests: 0, lines: 0 };

  /**
   * Takes up what is new.
   * @param {{requests: object[], lines: object[], last: {request: number, line: number}}} view
   * @param {(request: object) => boolean} isOpen
   * @returns {boolean} `false`: the host has begun to count anew, and has to be asked from the beginning
   */
  take(view, isOpen) {
    if (view.last.request < this.last.requests || view.last.line < this.last.lines) {
      Object.assign(this, new Records());
      return false;
    }
    const requests = view.requests.filter(({ number }) => number > this.last.requests).reverse();
    const lines = view.lines.filter(({ number }) => number > this.last.lines).reverse();
    this.last = { requests: view.last.request, lines: view.last.line };
    this.requests = cut([...requests, ...this.requests], REQUESTS, isOpen);
    const open = new Set(this.requests.filter(isOpen).map(({ id }) => id));
    this.lines = cut([...lines, ...this.lines], LINES, ({ request }) => open.has(request));
    return true;
  }

  /** @param {string} id of a request @returns {object[]} its log lines, the oldest first */
  linesOf(id) {
    return this.lines.filter(({ request }) => request === id).reverse();
  }
}

const cut = (list, most, keep) =>
  list.length <= most ? list : [...list.slice(0, most), ...list.slice(most).filter(keep)];

/**
 * Makes the question that a request has to answer to be shown.
 * @param {string} text stands anywhere in what is known of the request; capitals do not matter
 * @param {string} status `all`, `gone` or the first figure
 * @returns {(request: object) => boolean}
 */
export function requestFilter(text, status) {
  const part = text.trim().toLowerCase();
  return (request) => hasStatus(request, status) && (part === "" || wordsOf(request).includes(part));
}

/** The same for log lines. @param {string} text @returns {(line: object) => boolean} */
export function lineFilter(text) {
  const part = text.trim().toLowerCase();
  return ({ text: words, level, request }) =>
    part === "" || `${level} ${request ?? ""} ${words}`.toLowerCase().includes(part);
}

function hasStatus({ status }, wanted) {
  if (wanted === "all") return true;
  return wanted === "gone" ? status === null : String(status)[0] === wanted;
}

const words = new WeakMap();

function wordsOf(request) {
  if (!words.has(request)) {
    const { id, kind, method, path, route, handler, version, host, status, words: why } = request;
    words.set(
      request,
      [id, kind, method, path, route, handler, version, host, status ?? "gone", why].join(" ").toLowerCase(),
    );
  }
  return words.get(request);
}
