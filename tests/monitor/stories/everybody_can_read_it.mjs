// Every panel, the sign-in form and a question, in light and in dark colours and on a phone.

import { openPage, story } from "../story.mjs";
import { PANELS, answer, open, question, row, rows, shows, signIn } from "../panels.mjs";
import { check } from "../accessibility.mjs";
import { addressOf, openClient, putFile } from "../stage.mjs";
import { ask, keep } from "../rest.mjs";

const PHONE = { width: 375, height: 740 };
const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  "a phone": { colorScheme: "light", viewport: PHONE, hasTouch: true },
  "a phone in the dark": { colorScheme: "dark", viewport: PHONE, hasTouch: true },
};

/** What has to be there before a panel is looked at. */
const FILLED = {
  Overview: (page) => rows(page, "workers").first(),
  Fleet: (page) => row(page, "fleet", `db_service ${addressOf("db_service")}`),
  Links: (page) => rows(page, "services").nth(2),
  Handlers: (page) => page.locator("#load-errors li").first(),
  Routes: (page) => rows(page, "routes").first(),
  "Document Store": (page) => row(page, "children", "Shown"),
  Clients: (page) => rows(page, "clients").first(),
  Activity: (page) => rows(page, "requests").first(),
};

await story(async () => {
  await keep(["set", ["Shown", "a"], "b"]);
  await ask("orchestrator", "GET", "/api/version");
  await ask("orchestrator", "GET", "/api/nosuch");
  await ask("orchestrator", "POST", "/api/login", { body: {} });
  await openClient("orchestrator", "example");
  await putFile("handlers/orchestrator/broken.wasm", "this is no module");
  for (const [look, options] of Object.entries(LOOKS)) {
    const page = await openPage("orchestrator", options);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await check(page, `the sign-in form, ${look}`);
    await signIn(page);
    for (const name of PANELS) {
      await open(page, name);
      await FILLED[name](page).waitFor();
      await check(page, `${name}, ${look}`);
    }
    const opener = page.getByRole("button", { name: /^Open request / }).first();
    await opener.click();
    await check(page, `an open request, ${look}`);
    await open(page, "Overview");
    await page.getByRole("button", { name: "Stop host" }).click();
    await shows(question(page), /orchestrator/);
    await check(page, `a question, ${look}`);
    await answer(page, "Cancel");
    await page.context().close();
  }
});
