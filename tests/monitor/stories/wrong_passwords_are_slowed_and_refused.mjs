// Guessing a password: each attempt waits longer, after five comes a refusal, and the log tells from where.

import assert from "node:assert/strict";
import { openPage, status, story } from "../story.mjs";
import { shows, tryPassword } from "../panels.mjs";
import { lineOf } from "../stage.mjs";
import { api, ask } from "../rest.mjs";

const guess = () => ask("orchestrator", "POST", api("/session"), { body: { password: "a guess" } });

await story(async () => {
  const took = [];
  for (let number = 1; number <= 5; number++) {
    const begun = performance.now();
    const answer = await guess();
    took.push(Math.round(performance.now() - begun));
    assert.equal(answer.status, 401, `guess ${number}`);
    assert.deepEqual(answer.json, { error: "Invalid login attempt" });
    assert.equal(answer.headers["set-cookie"], undefined);
  }
  assert.ok(took[4] > took[0] + 300 && took[4] > took[2], `the attempts took ${took} ms`);

  const refused = await guess();
  assert.equal(refused.status, 429);
  const wait = Number(refused.headers["retry-after"]);
  assert.ok(wait > 0 && wait <= 60, `Retry-After: ${refused.headers["retry-after"]}`);
  assert.match(refused.json.error, /\w/);

  // The right password does not help now, and the page says how long.
  const page = await openPage("orchestrator", { allowed: [status(429)] });
  await tryPassword(page, "keepThisSecret!");
  await shows(page.getByRole("alert"), /Too many attempts\. Try again in \d+ (s|min)/);

  for (let number = 1; number <= 5; number++) await lineOf("orchestrator", `failed attempts: ${number}`);
  const line = await lineOf("orchestrator", "a wrong password from 127.0.0.1");
  assert.doesNotMatch(line, /a guess/);
  await lineOf("orchestrator", "attempts from there are refused for 60 s");
});
