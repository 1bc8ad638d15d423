// The way to the test that plays a script: what hosts are to do, and what they did.
// In goes a wish such as `kill`, out comes its answer; tests/monitor/stage.rs knows the wishes.
// One wish after another: the answer has to be there before the next.

import { createInterface } from "node:readline";

/**
 * What the test told at the start: `ports` by the names of hosts, the `hash` that info_service has in the place of its password,
 * `chromium`, `flags`, and where a `picture` may go.
 */
export const told = JSON.parse(process.env.QEWD_STORY);

const waiting = new Map();
let last = 0;

const answers = createInterface({ input: process.stdin });
answers.on("line", (line) => {
  const { number, answer } = JSON.parse(line);
  waiting.get(number)(answer);
  waiting.delete(number);
});
// Without its test a story has nobody to tell it to, and its browser ends with it.
answers.on("close", () => process.exit(1));

function wish(what, parts) {
  const number = ++last;
  return new Promise((resolve) => {
    waiting.set(number, resolve);
    process.stdout.write(`${JSON.stringify({ wish: what, number, ...parts })}\n`);
  });
}

/** Ends a host's process at once, as a crash would. */
export const kill = (host) => wish("kill", { host });
/** Starts a host again, on the port that it had. */
export const start = (host) => wish("start", { host });
/** Waits until a host has ended by itself; its exit code. */
export const endOf = (host) => wish("end of", { host });
/** The number of a host's process. */
export const processOf = (host) => wish("process", { host });
/** Waits for a line with this text in a host's log. */
export const lineOf = (host, text) => wish("line", { host, text });
/** Waits until the links that a host opened at its start are ready. */
export const linksOf = (host) => wish("links", { host });
/** Lets so many clients ask for a path again and again; each answer has to have status 200. */
export const beginLoad = (host, path, clients) => wish("load", { host, path, clients });
/** Ends them; how many answers they got, or else the end of the story. */
export const endLoad = () => wish("end of load");
/** Moves another version of the module `versioned` to this place in the application's folder. */
export const putVersion = (file, version) => wish("version", { file, version });
/** Writes a file of the application's folder. */
export const putFile = (file, text) => wish("file", { file, text });
/** Changes members of a host's `qewd` block in config.json. */
export const setSettings = (host, settings) => wish("settings", { host, settings });
/** Connects a WebSocket client and registers it for an application. */
export const openClient = (host, application) => wish("client", { host, application });
/** Waits until the host has closed the socket of the oldest client; the code and reason of the close. */
export const endOfClient = () => wish("end of client");
/** The address under which other hosts know a service. */
export const addressOf = (service) => `http://127.0.0.1:${told.ports[service]}`;
