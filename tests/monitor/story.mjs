// Tells one story in a browser: opens it, watches its pages, and closes it.
// In goes the story; out comes the exit code, and for a story that failed why, with what its pages showed.
// A page that asks another origin, breaks its content policy or writes an error to the console fails its story.

import { chromium } from "playwright-core";
import { told } from "./stage.mjs";
import { PATIENCE } from "./until.mjs";

const BREACH = "breach of the content policy:";

let browser;
const pages = [];
const faults = [];

/** The address of a host's monitor: of one family, since attempts to sign in are counted by address. */
export const monitor = (host) => `http://127.0.0.1:${told.ports[host]}/qewd-monitor`;

/**
 * Opens a page with storage of its own. `options` are those of a browser context.
 * `allowed` are patterns for lines of the console that the story expects: what the browser writes about answers of 400 and more.
 */
export async function openPage(host, { allowed = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  return openTab(context, host, allowed);
}

/** Opens one more page in a context. */
export async function openTab(context, host, allowed = []) {
  const page = await context.newPage();
  const origin = new URL(monitor(host)).origin;
  const asked = (url) => {
    if (new URL(url).origin !== origin) faults.push(`a page of ${host} asked for ${url}`);
  };
  page.on("request", (request) => asked(request.url()));
  page.on("websocket", (socket) => faults.push(`a page of ${host} opened ${socket.url()}`));
  page.on("pageerror", (error) => faults.push(`a page of ${host} failed: ${error.stack}`));
  page.on("console", (message) => {
    const text = message.text();
    const expected = !text.startsWith(BREACH) && allowed.some((pattern) => pattern.test(text));
    if (["error", "warning"].includes(message.type()) && !expected) faults.push(`a page of ${host} wrote: ${text}`);
  });
  await page.addInitScript((begin) => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(begin, event.violatedDirective, event.blockedURI, event.sourceFile, event.lineNumber));
  }, BREACH);
  pages.push(page);
  await page.goto(monitor(host));
  return page;
}

/** From now on: what a page wants changed, as method and path below the API. */
export function changesOf(page) {
  const changes = [];
  page.on("request", (request) => {
    const path = new URL(request.url()).pathname.replace(/^.*\/api/, "");
    if (request.method() !== "GET") changes.push(`${request.method()} ${path}`);
  });
  return changes;
}

/** What the browser writes about an answer of this status. */
export const status = (code) => new RegExp(`^Failed to load resource: the server responded with a status of ${code} `);
/** What the browser writes where nobody answers any more. */
export const NOBODY = /^Failed to load resource: net::ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|SOCKET_NOT_CONNECTED)/;

/** Tells a story. */
export async function story(tell) {
  let failure;
  // A request that a story awaits only later fails there.
  process.on("unhandledRejection", () => {});
  try {
    browser = await chromium.launch({ executablePath: told.chromium, args: told.flags, chromiumSandbox: false });
    await tell();
    if (faults.length > 0) throw new Error(faults.join("\n"));
  } catch (error) {
    failure = error;
    console.log(error.stack);
    if (faults.length > 0) console.log(faults.join("\n"));
    await show();
  }
  await browser?.close();
  process.exit(failure ? 1 : 0);
}

/** What the pages show, in words, and the last one as a picture. */
async function show() {
  for (const page of pages.filter((page) => !page.isClosed())) {
    const words = await page.locator("body").ariaSnapshot({ timeout: 2000 }).catch((error) => error.message);
    console.log(`--- ${page.url()} ---\n${words}`);
  }
  const last = pages.filter((page) => !page.isClosed()).at(-1);
  await last?.screenshot({ path: told.picture, fullPage: true, timeout: 5000 }).then(
    () => console.log(`The last page is in ${told.picture}`),
    () => {},
  );
}
