// Who has no session, or comes from a page of another site, sees and changes nothing; and how the page itself is guarded.

import assert from "node:assert/strict";
import { openPage, story } from "../story.mjs";
import { DEFAULT_PASSWORD, keys, signIn } from "../panels.mjs";
import { setSettings, told } from "../stage.mjs";
import { until } from "../until.mjs";
import { api, ask, cookieOf, keep } from "../rest.mjs";

const VIEWS = ["overview", "links", "handlers", "routes", "clients", "activity", "fleet"];
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** What the page is made of, and how each is to be taken. */
const FILES = { "": "text/html", "/style.css": "text/css", "/app.js": "text/javascript", "/icon.svg": "image/svg+xml" };

await story(async () => {
  await keep(["set", ["Guarded", "a"], 1]);
  const page = await openPage("orchestrator");
  await signIn(page);
  await until("a worker is there", async () => (await keys(page, "workers")).length > 0);
  const [worker] = await keys(page, "workers");
  const node = `/documents?path=${encodeURIComponent('["Guarded","a"]')}`;
  const acts = [
    ["POST", `/workers/${worker}/stop`],
    ["POST", "/workers/stop"],
    ["POST", "/handlers/stop", { module: "keeper" }],
    ["POST", "/handlers/reload", { module: "keeper" }],
    ["POST", "/clients/1/disconnect"],
    ["POST", "/host/stop"],
    ["PUT", node, { value: 2 }],
    ["DELETE", node],
  ];
  const reads = [...VIEWS, ...VIEWS.map((name) => `live/${name}`), "routes/decide?method=GET&path=/", "documents", "documents/json?path=[]"];

  const without = async (words, expected, headers) => {
    for (const [method, path, body] of acts) {
      const answer = await ask("orchestrator", method, api(path), { body, headers });
      assert.equal(answer.status, expected, `${method} ${path} ${words}: ${answer.text}`);
      assert.match(answer.json.error, /\w/);
    }
  };
  await without("without a session", 401, {});
  await without("with a session that never was", 401, { cookie: `${(await page.context().cookies())[0].name}=${"0".repeat(43)}` });
  for (const path of reads) {
    const answer = await ask("orchestrator", "GET", api(`/${path}`));
    assert.equal(answer.status, 401, `GET ${path} without a session: ${answer.text}`);
  }

  // With a session, but from a page of somebody else.
  const cookie = await cookieOf("orchestrator", DEFAULT_PASSWORD);
  for (const origin of ["http://evil.example", "null", `http://localhost:${told.ports.login_service}`]) {
    await without(`from ${origin}`, 403, { cookie, origin, host: `localhost:${told.ports.orchestrator}` });
  }
  await without("from another site", 403, { cookie, "sec-fetch-site": "cross-site" });
  const foreign = { body: { password: DEFAULT_PASSWORD }, headers: { origin: "http://evil.example" } };
  assert.equal((await ask("orchestrator", "POST", api("/session"), foreign)).status, 403);

  // Nothing of this happened.
  assert.deepEqual(await keep(["get", ["Guarded", "a"]]), [1]);
  await page.locator(`tr[data-key="${worker}"]`).waitFor();

  // The same from the own page is done: it was nothing else that was refused.
  const own = { cookie, origin: `http://localhost:${told.ports.orchestrator}`, host: `localhost:${told.ports.orchestrator}` };
  assert.equal((await ask("orchestrator", "POST", api("/session"), { body: { password: DEFAULT_PASSWORD }, headers: own })).status, 200);
  const [method, path, body] = acts.find(([method]) => method === "PUT");
  assert.equal((await ask("orchestrator", method, api(path), { body, headers: own })).status, 200);
  assert.deepEqual(await keep(["get", ["Guarded", "a"]]), [2]);

  // How the page and the API are guarded.
  for (const [file, type] of Object.entries(FILES)) {
    const { headers, status } = await ask("orchestrator", "GET", `/qewd-monitor${file}`);
    assert.equal(status, 200, file);
    assert.equal(headers["content-security-policy"], POLICY, file);
    assert.equal(headers["x-content-type-options"], "nosniff", file);
    assert.equal(headers["content-type"].split(";")[0], type, file);
  }
  assert.equal((await ask("orchestrator", "GET", api("/overview"), { headers: { cookie } })).headers["cache-control"], "no-store");
  const { text } = await ask("orchestrator", "GET", "/qewd-monitor");
  assert.doesNotMatch(text, /<script(?![^>]*src=)|<style|\son\w+=|\sstyle=/i, "nothing stands inline");
  assert.equal((await ask("orchestrator", "GET", api("/nosuch"), { headers: { cookie } })).status, 404);

  // A monitor that is left out is not there, and neither is what it knew.
  await setSettings("login_service", { "qewd-monitor": false });
  await until("the monitor is gone", async () => (await ask("login_service", "GET", "/qewd-monitor")).status === 404);
  assert.equal((await ask("login_service", "GET", api("/session"))).status, 404);
  assert.equal((await ask("login_service", "POST", api("/session"), { body: { password: "a password of its own" } })).status, 404);
});
