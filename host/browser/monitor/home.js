/**
 * The answer of `GET /session` comes in; which host this page belongs to goes out. It never knows the host that is
 * viewed over a link: that is place.js.
 */

import { call } from "./api.js";

/** The host that serves this page. */
export const home = { host: "the host", serverName: null, signedIn: false, defaultPassword: false };

/**
 * Asks the host who it is and whether this browser is signed in.
 * @param {number} [patience] milliseconds
 * @returns {Promise<typeof home>}
 */
export async function readHome(patience = 5_000) {
  const answer = await call("session", { patience });
  return Object.assign(home, { defaultPassword: false }, answer);
}
