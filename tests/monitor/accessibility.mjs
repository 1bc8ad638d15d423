// Looks whether everybody can use what a page shows.
// In goes a page; out comes nothing, or an error with each rule that is broken, and where.
// What axe-core calls minor or moderate is let pass.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Fails where axe-core finds something serious, or the page is wider than its window. */
export async function check(page, what) {
  // Not as an element of the page: its content policy would refuse it.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  if (found.passes.length === 0) throw new Error(`${what}: axe-core looked at nothing`);
  const bad = found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const words = bad.map(({ id, impact, nodes }) => {
    const where = nodes.slice(0, 4).map(({ html, failureSummary }) => `    ${html}\n      ${failureSummary.replaceAll("\n", "\n      ")}`);
    return `  ${id} (${impact}), ${nodes.length} times:\n${where.join("\n")}`;
  });
  const { wide, room } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, room: innerWidth }));
  if (wide > room) words.push(`  the page is ${wide} wide in a window of ${room}`);
  if (words.length > 0) throw new Error(`${what}:\n${words.join("\n")}`);
}
