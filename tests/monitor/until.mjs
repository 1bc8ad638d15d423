// Waiting for what has to become true, with a deadline.
// In go words for the condition and a function that looks; out comes what it saw, or an error with the words and the last look.
// Nothing here waits for time to pass.

import { isDeepStrictEqual } from "node:util";

/** How long a condition may take on a busy machine. */
export const PATIENCE = 30_000;
const LOOK = 50;
const MOST_WORDS = 500;

/** Looks until `look` gives something that is true, and returns it. An error of a look counts as not yet. */
export async function until(what, look) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    let seen;
    try {
      seen = await look();
      if (seen) return seen;
    } catch (error) {
      seen = error;
    }
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}; the last look gave ${shown(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

/** Looks until `look` gives this value. */
export async function untilIs(what, wanted, look) {
  let seen;
  const same = async () => isDeepStrictEqual((seen = await look()), wanted);
  return until(what, same).catch((error) => {
    throw new Error(`${error.message}: ${shown(seen)} instead of ${shown(wanted)}`);
  });
}

/** Looks until `look` gives a text that the pattern matches; the match. */
export async function untilMatches(what, pattern, look) {
  let seen;
  return until(what, async () => pattern.exec((seen = await look()))).catch((error) => {
    throw new Error(`${error.message}: ${pattern} does not match ${shown(seen)}`);
  });
}

/** A value in words, not more than one can read. */
function shown(value) {
  const words = value instanceof Error ? value.message : JSON.stringify(value) ?? "nothing";
  return words.length > MOST_WORDS ? `${words.slice(0, MOST_WORDS)}…` : words;
}
