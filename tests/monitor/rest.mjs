// Requests that no page makes: of clients of the application, of scripts, and of those who want in.
// In goes a port and a request with any header; out comes the answer, with its headers as they were sent.
// Each has a connection of its own, and no cookie but the one that it is given.

import { request } from "node:http";
import { told } from "./stage.mjs";
import { PATIENCE } from "./until.mjs";

/** Asks a host. A `body` that is no text is sent as JSON. */
export function ask(host, method, path, { headers = {}, body } = {}) {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const type = text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: told.ports[host], method, path, agent: false, timeout: PATIENCE };
    const asking = request({ ...options, headers: { ...type, ...headers } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () => resolve(answered(answer, Buffer.concat(parts).toString())));
    });
    asking.on("timeout", () => asking.destroy(new Error(`${method} ${path} was not answered`)));
    asking.on("error", reject);
    asking.end(text);
  });
}

const answered = ({ statusCode: status, headers }, text) => ({
  status,
  headers,
  text,
  get json() {
    return JSON.parse(text);
  },
});

/** A path of the monitor's API. */
export const api = (path) => `/qewd-monitor/api${path}`;

/** Signs in without a page; the cookie. */
export async function cookieOf(host, password) {
  const answer = await ask(host, "POST", api("/session"), { body: { password } });
  if (answer.status !== 200) throw new Error(`${host} refused the password: ${answer.status} ${answer.text}`);
  return answer.headers["set-cookie"][0].split(";")[0];
}

/** A token of the example's user. */
export async function tokenOf(host) {
  const answer = await ask(host, "POST", "/api/login", { body: { username: "rob", password: "secret" } });
  return answer.json.token;
}

/** Has the handler `keeper` of the orchestrator do steps with documents; what each gave. */
export async function keep(...steps) {
  const answer = await ask("orchestrator", "POST", "/api/keep", { body: { steps } });
  if (answer.status !== 200) throw new Error(`the steps were not taken: ${answer.status} ${answer.text}`);
  return answer.json.results;
}
