/**
 * What happened to the host comes in, and the banners above all panels go out. It never asks the host itself, and
 * says a thing once, not with each attempt, so that a screen reader is not made to repeat it.
 */

import { byId, put } from "./elements.js";
import { home } from "./home.js";
import { clock } from "./words.js";

const state = { gone: false, stoppedHere: false };

/** The host does not answer. */
export function hostIsGone() {
  if (state.gone) return;
  state.gone = true;
  if (state.stoppedHere)
    return say(
      `The host ${home.host} was stopped from this page. When it is started again, the sign-in form comes here.`,
    );
  say(`${home.host} is gone; trying to reach it again. What this page shows is from before ${clock(Date.now())}.`);
}

/** The host answers. @param {boolean} [anew] it is another process, or another session, than before */
export function hostIsBack(anew = false) {
  // a host that is being stopped answers for a while: only one that was gone can be back
  if (state.stoppedHere && !state.gone && !anew) return;
  state.gone = false;
  state.stoppedHere = false;
  say("");
}

/** This page has stopped the host. */
export function hostWasStopped() {
  state.stoppedHere = true;
  say(`The host ${home.host} is being stopped: requests in flight get their answers.`);
}

/** @param {boolean} known whether the management password is the one that everybody knows */
export function passwordIsKnown(known) {
  byId("default-password").hidden = !known;
}

function say(text) {
  put(byId("gone"), text);
}
