/**
 * The name of a view comes in; its data go out whenever they change, for as long as somebody looks. Where the stream
 * breaks it finds out why, says so in the banner, and tries again. It never gives up, and never streams to a hidden tab.
 */

import { call, urlOf } from "./api.js";
import { hostIsBack, hostIsGone } from "./banner.js";
import { readHome } from "./home.js";

/** Waits between attempts, in milliseconds; the last one goes on. */
const WAITS = [200, 1_000, 2_000, 3_000, 5_000];
/**
 * After so long without an event the host is asked whether it is there: a frozen one closes no connection, and one that
 * lives says so each four seconds.
 */
const SILENCE = 8_000;

let tellSignedOut = () => {};

/** @param {() => void} listener is called when a stream says that the session is over */
export function onStreamSignedOut(listener) {
  tellSignedOut = listener;
}

/**
 * Follows a view.
 * @param {string} name
 * @param {object} how
 * @param {() => object} [how.query] what the next attempt has to ask for
 * @param {(view: any) => void} how.onView
 * @param {(words: string | null) => void} [how.onTrouble] the host is there, but has no such view now; `null`: it has again
 * @returns {() => void} ends it
 */
export function follow(name, how) {
  const stream = new Stream(name, how);
  stream.start();
  return () => stream.end();
}

class Stream {
  #name;
  #query;
  #onView;
  #onTrouble;
  #source = null;
  #timer;
  #failed = 0;
  #ended = false;
  #visibility = () => (document.hidden ? this.#drop() : this.#open());

  constructor(name, { query = () => ({}), onView, onTrouble = () => {} }) {
    this.#name = name;
    this.#query = query;
    this.#onView = onView;
    this.#onTrouble = onTrouble;
  }

  start() {
    document.addEventListener("visibilitychange", this.#visibility);
    if (!document.hidden) this.#open();
  }

  end() {
    this.#ended = true;
    document.removeEventListener("visibilitychange", this.#visibility);
    this.#drop();
  }

  #open() {
    this.#drop();
    const source = new EventSource(urlOf(`live/${this.#name}`, this.#query()));
    this.#source = source;
    source.onmessage = (event) => this.#take(JSON.parse(event.data));
    source.onerror = () => this.#again();
    source.addEventListener("alive", () => this.#watch());
    source.addEventListener("trouble", (event) => this.#trouble(JSON.parse(event.data)));
    source.addEventListener("bye", (event) => this.#bye(JSON.parse(event.data)));
    this.#watch();
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #take(view) {
    this.#failed = 0;
    this.#show(view);
    if (this.#source) this.#watch();
  }

  #show(view) {
    hostIsBack();
    this.#onTrouble(null);
    this.#onView(view);
  }

  /** The stream goes on, but one that tells only what is new would not say that the trouble is over: so it is asked. */
  #trouble({ error }) {
    hostIsBack();
    this.#onTrouble(error);
    this.#again();
  }

  #bye({ why }) {
    this.#drop();
    if (why === "signed out") return tellSignedOut();
    this.#again();
  }

  /** The browser would try again by itself, but cannot say what is wrong: so the view is asked for, as a question. */
  #again() {
    this.#drop();
    if (this.#ended) return;
    this.#timer = setTimeout(() => this.#probe(), WAITS[Math.min(this.#failed, WAITS.length - 1)]);
    this.#failed += 1;
  }

  async #probe() {
    try {
      const view = await call(this.#name, { query: this.#query(), patience: SILENCE });
      if (this.#waiting()) {
        this.#show(view);
        this.#open();
      }
    } catch (error) {
      if (this.#waiting()) this.#failedProbe(error);
    }
  }

  #waiting() {
    return !this.#ended && !document.hidden && this.#source === null;
  }

  #failedProbe(error) {
    if (error.status === 401) return; // api.js has told it
    if (error.gone) hostIsGone();
    else {
      hostIsBack();
      this.#onTrouble(error.message);
    }
    this.#again();
  }

  #watch() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lookAfter(), SILENCE);
  }

  async #lookAfter() {
    const source = this.#source;
    try {
      const { signedIn } = await readHome();
      if (source !== this.#source || this.#ended) return;
      if (!signedIn) return tellSignedOut();
      this.#watch();
    } catch (error) {
      if (source !== this.#source) return;
      if (error.gone) hostIsGone();
      this.#again();
    }
  }
}
