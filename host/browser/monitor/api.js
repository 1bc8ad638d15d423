/**
 * A path of the host's API comes in, its answer goes out, or an error in words. A 401 is told to whoever asked to
 * know; it never shows anything itself.
 */

const BASE = "/qewd-monitor/api/";
/** A host that has not answered a question for so long counts as gone, in milliseconds. */
const PATIENCE = 30_000;

let tellSignedOut = () => {};

/** An answer that is no good one; `status` is 0 where there was no answer at all. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} words
   * @param {{wait?: number | null, isHosts?: boolean}} [more] seconds to wait before the next attempt; whether the words are the
   * host's own
   */
  constructor(status, words, { wait = null, isHosts = false } = {}) {
    super(words);
    this.isHosts = isHosts;
    this.name = "ApiError";
    this.status = status;
    this.wait = wait;
  }

  /** The host is not there, or what stands before it cannot reach it. */
  get gone() {
    return this.status === 0 || (!this.isHosts && (this.status === 502 || this.status === 504));
  }
}

/** @param {() => void} listener is called whenever the host says that there is no session */
export function onSignedOut(listener) {
  tellSignedOut = listener;
}

/** @param {string} path below the API @param {Record<string, unknown>} [query] `null` is left out @returns {string} */
export function urlOf(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return BASE + path + (given.length > 0 ? `?${new URLSearchParams(given)}` : "");
}

/**
 * Asks the host, and gives the text of its answer.
 * @param {string} path
 * @param {{method?: string, query?: object, body?: string, patience?: number}} [how] `body` is JSON text
 * @returns {Promise<string>}
 */
export async function callText(path, { method = "GET", query, body, patience = PATIENCE } = {}) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  let answer;
  let text;
  try {
    answer = await fetch(urlOf(path, query), {
      method,
      headers,
      body,
      cache: "no-store",
      signal: AbortSignal.timeout(patience),
    });
    text = await answer.text();
  } catch {
    throw new ApiError(0, "The host did not answer.");
  }
  if (answer.ok) return text;
  if (answer.status === 401 && !(path === "session" && method === "POST")) tellSignedOut();
  const wait = Number(answer.headers.get("retry-after")) || null;
  const words = wordsOf(text);
  const isHosts = words !== null;
  throw new ApiError(answer.status, words ?? `The host answered with status ${answer.status}.`, { wait, isHosts });
}

/**
 * Asks the host, and gives its answer; the arguments are those of {@link callText}.
 * @returns {Promise<any>}
 */
export async function call(path, how) {
  const text = await callText(path, how);
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(502, "The answer is not the monitor's: something else answers in its place.");
  }
}

/** The host's own words; `null`: the answer is not the host's, and its status has to do. */
function wordsOf(text) {
  try {
    const { error } = JSON.parse(text);
    if (typeof error === "string") return error;
  } catch {
    // it is not JSON, as those of proxies
  }
  return null;
}
