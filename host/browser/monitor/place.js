/**
 * The address after `#` comes in, and the panel, the viewed host and the panel's own query go out; and back again.
 * It never reads or writes the address by itself.
 */

/**
 * @typedef {object} Place
 * @property {string} panel
 * @property {{host: string, at: string | null} | null} viewing the host that is seen over a link; `null`: this one
 * @property {URLSearchParams} query what is the panel's own
 */

/**
 * @param {string} hash
 * @returns {Place}
 */
export function placeOf(hash) {
  const [panel, text = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const query = new URLSearchParams(text);
  const host = query.get("host");
  const viewing = host ? { host, at: query.get("at") } : null;
  query.delete("host");
  query.delete("at");
  return { panel: panel || "overview", viewing, query };
}

/**
 * @param {string} panel
 * @param {Place["viewing"]} [viewing]
 * @param {Record<string, string | null>} [query] `null` is left out
 * @returns {string} for the `href` of a link
 */
export function hashOf(panel, viewing = null, query = {}) {
  const all = { host: viewing?.host, at: viewing?.at, ...query };
  const given = Object.entries(all).filter(([, value]) => value !== null && value !== undefined);
  return `#${panel}${given.length > 0 ? `?${new URLSearchParams(given)}` : ""}`;
}
