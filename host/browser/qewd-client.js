/**
 * The browser's side of qewd: one WebSocket that comes back by itself, messages with answers, pushes as events.
 *
 *     import { QEWD } from "/qewd-client.js";
 *     await QEWD.start({ application: "shop" });
 *     const stock = await QEWD.send({ type: "load", params: { item: "tea" } });
 *
 * The session is a token that each good answer renews. The client keeps the newest one, shows it when it connects anew,
 * and renews it before it ends. What a message answered is never asked twice: if the connection is lost, its promise
 * is rejected, and the page decides.
 */

/** How long an answer may take, in milliseconds: twice what a host allows a request by default. */
const ANSWER_TIME = 60_000;
/** How long the host may take for what it answers by itself: longer, and the connection counts as dead. */
const CONTROL_TIME = 10_000;
/** Waits between attempts double from the first to the last, and are drawn from the half to the whole. */
const FIRST_WAIT = 100;
const LAST_WAIT = 5_000;
/** The pages of a host that says goodbye come back over so many milliseconds, not all at once. */
const SPREAD = 2_000;
const GOODBYE = 1001;
/** A connection that lasted so long was a good one: the next wait is the first again. */
const GOOD_AFTER = 5_000;
/** Messages that may be under way; a host allows 32. */
const UNDER_WAY = 30;
/** Messages that may wait for a connection or for others; more are refused at once. */
const WAITING = 1_000;
/** A token is renewed when this part of its life is over; between these times, in milliseconds. */
const RENEW_AT = 2 / 3;
const RENEW_LEAST = 500;
const RENEW_MOST = 86_400_000;
/** Events that only the client itself may tell of; nothing that a handler says is taken for one. */
const OWN_EVENTS = ["ewd-registered", "ewd-reregistered", "ewd-session-lost", "socketDisconnected", "error"];

/** A message that brought no good answer. */
export class QewdError extends Error {
  /**
   * @param {string} words what is wrong
   * @param {string} code `refused`: the host or its handler said no. `lost`: the connection was lost before the answer
   *   came, and the message may or may not have run. `timeout`: no answer in time; the same holds. `full`: too many
   *   messages wait. `session-lost`: the session ended before the message was sent. `stopped`: the client was
   *   disconnected or never started. `unreachable`: no connection yet
   * @param {object} [details] `status` and `requestId` of the host's answer, the message's `type`, and the `answer`
   */
  constructor(words, code, details = {}) {
    super(words);
    this.name = "QewdError";
    this.code = code;
    Object.assign(this, details);
  }
}

export class Client {
  #options;
  #handlers = new Map();
  #state = "stopped"; // then "connecting", "entering", "ready"
  #starting = null;
  #socket = null;
  #openedAt = 0;
  #attempts = 0;
  #retryTimer = null;
  #renewTimer = null;
  #renewing = null; // the socket on which a renewal is under way
  #refusals = 0; // of renewals, in a row
  #listening = null;
  #token = null;
  #session = 0; // counts registrations, so that late answers to what was sent before the newest change nothing
  #wasReady = false;
  #told = false;
  #lastId = 0;
  #queue = []; // messages that were not sent yet
  #asked = new Map(); // those that were, by id

  /** @param {object} [options] see `start` */
  constructor(options = {}) {
    this.#options = options;
  }

  /**
   * Connects and registers, and goes on trying for ever. Once started, it is rejected if it asks for anything else.
   * @param {object} [options] `application`; `url` of the host, if it is not the page's own; `keep: true` keeps the
   *   session in sessionStorage, so that it outlives a reload; `renew: false` lets the session of an idle page end
   * @returns {Promise<{resumed: boolean}>} when registered; `resumed`: the kept session goes on
   */
  start(options = {}) {
    if (this.#starting) {
      const isSame = Object.entries(options).every(([name, value]) => value === this.#options[name]);
      const words = "The client was started with other options; disconnect it first";
      return isSame ? this.#starting.promise : Promise.reject(new Error(words));
    }
    const before = this.#options;
    this.#options = { ...before, ...options };
    const starting = {};
    starting.promise = new Promise((resolve, reject) => Object.assign(starting, { resolve, reject }));
    this.#starting = starting;
    try {
      if (!this.#options.application) throw new Error("start needs an application");
      this.#address("ws");
      this.#token = this.#read();
      this.#wasReady = this.#told = false;
      this.#attempts = 0;
      this.#connect();
      this.#listen();
    } catch (error) {
      this.#starting = null;
      this.#state = "stopped";
      this.#options = before;
      starting.reject(error);
    }
    return starting.promise;
  }

  /** Whether messages go out at once. */
  get connected() {
    return this.#state === "ready";
  }

  /** The newest token, for REST requests of the same session: `Authorization: Bearer …`. Set it to what they answer. */
  get token() {
    return this.#token;
  }

  set token(token) {
    this.#keep(token);
  }

  /**
   * Sends a message: `{type, params}`; `ajax: true` sends it by HTTP, also while the WebSocket's connection is lost.
   * @param {object} message without token and id, which are added
   * @param {object|Function} [options] `timeout` in milliseconds, `onPart(message, envelope)` for intermediate messages;
   *   or a function that gets the whole answer `{type, finished, message}`, also that of an error
   * @returns {Promise|undefined} the answer's `message`; rejected with a `QewdError`. Nothing, if there is a function
   */
  send(message, options = {}) {
    if (typeof options === "function") {
      this.reply(message).then(options);
      return undefined;
    }
    return this.#send(message, options).then((answer) => answer.message);
  }

  /** Sends a message. The promise brings the whole answer `{type, finished, message}`; an error is `message.error`. */
  reply(message, options = {}) {
    return this.#send(message, options).catch((error) => {
      const { status, type = message?.type, answer } = error;
      return answer ?? { type, finished: true, message: { error: error.message }, ...(status && { status }) };
    });
  }

  /**
   * Asks for a file below `www/<application>/`; with `targetId`, puts it into that element of the page.
   * @param {{name: string, targetId?: string, append?: boolean}} fragment
   * @returns {Promise<string>} its text
   */
  async getFragment({ name, targetId, append }, callback) {
    const { content } = await this.send({ type: "ewd-fragment", params: { file: name } });
    const target = targetId ? document.getElementById(targetId) : null;
    if (target && !append) target.replaceChildren();
    target?.insertAdjacentHTML("beforeend", content);
    callback?.(content);
    return content;
  }

  /** Calls the handler at each event of this type: a message's, a push's or one of the client's own. */
  on(type, handler) {
    const handlers = this.#handlers.get(type) ?? new Set();
    this.#handlers.set(type, handlers.add(handler));
    return this;
  }

  /** The same, once. */
  once(type, handler) {
    const first = (event) => {
      this.off(type, first);
      handler(event);
    };
    return this.on(type, first);
  }

  /** Takes a handler away; without one, all of the type. */
  off(type, handler) {
    if (handler) this.#handlers.get(type)?.delete(handler);
    else this.#handlers.delete(type);
    return this;
  }

  /** Calls the handlers of this type. One that fails is reported and stops nobody. */
  emit(type, event) {
    for (const handler of [...(this.#handlers.get(type) ?? [])]) call(handler, event);
    return this;
  }

  /** Ends the session in this page, and the connection. What waits is rejected. `start` begins anew. */
  disconnect() {
    this.#stop(new QewdError("The client was disconnected", "stopped"));
  }

  /** The same, by the name that it always had. */
  disconnectSocket() {
    this.disconnect();
  }

  // --- the connection ---

  #address(kind) {
    const url = new URL(this.#options.url ?? "/", globalThis.location?.href);
    const scheme = url.protocol.replace("ws", "http");
    url.protocol = kind === "ws" ? scheme.replace("http", "ws") : scheme;
    return new URL(`/${kind}`, url).href;
  }

  #listen() {
    const { signal } = (this.#listening = new AbortController());
    const on = (type, handler) => globalThis.addEventListener?.(type, handler, { signal });
    on("online", () => this.#hurry());
    // A page that the browser puts aside loses its connection there, sooner or later; it may come back.
    on("pagehide", ({ persisted }) => persisted && this.#socket && this.#drop("the page was left"));
    on("pageshow", ({ persisted }) => persisted && this.#hurry());
  }

  #connect() {
    this.#state = "connecting";
    const socket = (this.#socket = new WebSocket(this.#address("ws")));
    const isMine = () => socket === this.#socket;
    const timer = setTimeout(() => isMine() && this.#drop("it did not open in time"), CONTROL_TIME);
    socket.onopen = () => {
      clearTimeout(timer);
      if (isMine()) this.#enter(socket);
    };
    socket.onmessage = ({ data }) => isMine() && this.#receive(data);
    socket.onclose = ({ code, reason }) => {
      clearTimeout(timer);
      if (isMine()) this.#lost(code, reason);
    };
  }

  /** Registers on a new connection, or after the session was lost. */
  async #enter(socket) {
    this.#state = "entering";
    this.#session += 1;
    this.#openedAt ||= Date.now();
    try {
      const resumed = Boolean(this.#token) && (await this.#resume(socket));
      if (socket !== this.#socket) return;
      if (!resumed) {
        const { application } = this.#options;
        await this.#control({ type: "ewd-register", application, jwt: true });
      }
      if (socket === this.#socket) this.#entered(resumed);
    } catch (error) {
      if (socket !== this.#socket) return;
      if (error.status === 400) {
        this.#stop(error);
        this.emit("error", error);
      } else this.#drop(error.message);
    }
  }

  async #resume(socket) {
    try {
      await this.#control({ type: "ewd-reregister" });
      return true;
    } catch (error) {
      if (!ends(error) || socket !== this.#socket) throw error;
      this.#endSession(error);
      return false;
    }
  }

  #entered(resumed) {
    this.#state = "ready";
    this.#wasReady = true;
    this.#told = false;
    this.#starting?.resolve({ resumed });
    this.emit(resumed ? "ewd-reregistered" : "ewd-registered", { resumed });
    this.#flush();
  }

  /** The session is of no use any more. What was meant for it is not sent in another one. */
  #endSession(error) {
    this.#session += 1;
    this.#keep(null);
    if (this.#wasReady) {
      const queue = this.#queue.splice(0);
      const words = `The session was lost before the message was sent: ${error.message}`;
      queue.forEach((entry) => this.#reject(entry, new QewdError(words, "session-lost", { status: 401 })));
    }
    this.emit("ewd-session-lost", error);
  }

  /** Ends a connection that is no good, without waiting for the other side. */
  #drop(why) {
    this.#socket?.close();
    this.#lost(1006, why);
  }

  #lost(code, reason) {
    const wasOpen = this.#openedAt > 0;
    if (wasOpen && Date.now() - this.#openedAt > GOOD_AFTER) this.#attempts = 0;
    this.#forget();
    this.#state = "connecting";
    // Who is offline waits for "online"; yet a host on the same machine may be reached, so it tries now and then.
    const wait = globalThis.navigator?.onLine === false ? LAST_WAIT : backOff(this.#attempts);
    const spread = code === GOODBYE ? Math.random() * SPREAD : 0;
    this.#attempts += 1;
    this.#retryTimer = setTimeout(() => this.#connect(), wait + spread);
    // Handlers are called last: they may disconnect.
    const why = reason ? ` (${reason})` : "";
    const words = `The connection was lost before the answer came; the message may or may not have run${why}`;
    const lost = [...this.#asked.values()].filter((entry) => !entry.ajax);
    lost.forEach((entry) => this.#reject(entry, new QewdError(words, "lost")));
    if (wasOpen) {
      this.emit("socketDisconnected", { code, reason });
    } else if (!this.#told) {
      this.#told = true;
      const hint = `${this.#address("ws")} cannot be reached, or does not allow this page; trying again`;
      this.emit("error", new QewdError(hint, "unreachable"));
    }
  }

  #forget() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#renewTimer);
    this.#socket = null;
    this.#openedAt = 0;
    this.#refusals = 0;
  }

  #stop(error) {
    const [socket, starting] = [this.#socket, this.#starting];
    this.#forget();
    this.#listening?.abort();
    this.#state = "stopped";
    this.#starting = null;
    this.#session += 1;
    this.#keep(null);
    socket?.close();
    // A page that disconnects need not wait for the start.
    starting?.promise.catch(() => {});
    starting?.reject(error);
    const entries = [...this.#asked.values(), ...this.#queue.splice(0)];
    entries.forEach((entry) => this.#reject(entry, new QewdError(error.message, error.code)));
  }

  /** The network or the page is back: do not wait any longer, or find out whether the connection still lives. */
  #hurry() {
    this.#renew();
    if (this.#state !== "connecting" || this.#socket) return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  }

  // --- messages ---

  #send(message, { timeout = ANSWER_TIME, onPart } = {}) {
    return new Promise((resolve, reject) => {
      if (typeof message?.type !== "string") throw new TypeError('A message is an object with a "type"');
      const { token: _token, id: _id, ajax, ...content } = message;
      const text = JSON.stringify(content);
      const entry = { type: message.type, text, ajax, onPart, resolve, reject };
      if (this.#state === "stopped") {
        this.#reject(entry, new QewdError("The client is not started", "stopped"));
      } else if (this.#queue.length >= WAITING) {
        this.#reject(entry, new QewdError("Too many messages wait to be sent", "full"));
      } else {
        entry.timer = setTimeout(() => this.#late(entry, timeout), timeout);
        this.#queue.push(entry);
        this.#flush();
      }
    });
  }

  /** What the client itself has to say; never waits in the queue. */
  #control(content) {
    const type = content.type;
    return new Promise((resolve, reject) => {
      const entry = { type, text: JSON.stringify(content), isControl: true, resolve, reject };
      entry.timer = setTimeout(() => this.#late(entry, CONTROL_TIME), CONTROL_TIME);
      this.#write(entry);
    });
  }

  /** Whether a message may go now. HTTP needs no connection, only a session that is not moving to another socket. */
  #mayGo({ ajax }) {
    return this.#state === "ready" || (ajax && this.#token && this.#state === "connecting");
  }

  #flush() {
    while (this.#asked.size < UNDER_WAY) {
      const next = this.#queue.findIndex((entry) => this.#mayGo(entry));
      if (next < 0) return;
      const [entry] = this.#queue.splice(next, 1);
      if (entry.ajax) this.#post(entry);
      else this.#write(entry);
    }
  }

  /** The text with the newest token and an id, by which the answer is known. */
  #mark(entry) {
    entry.id = this.#lastId += 1;
    entry.session = this.#session;
    entry.token = this.#token;
    const token = this.#token ? `,"token":${JSON.stringify(this.#token)}` : "";
    this.#asked.set(entry.id, entry);
    return `${entry.text.slice(0, -1)}${token},"id":${entry.id}}`;
  }

  #write(entry) {
    const text = this.#mark(entry);
    this.#socket.send(text);
  }

  async #post(entry) {
    const body = this.#mark(entry);
    try {
      const headers = { "content-type": "application/json" };
      entry.abort = new AbortController();
      const answered = await fetch(this.#address("ajax"), { method: "POST", headers, body, signal: entry.abort.signal });
      const message = await answered.json();
      const header = (name) => answered.headers.get(name) ?? undefined;
      const details = { token: header("qewd-token"), requestId: header("x-request-id") };
      const answer = { type: entry.type, finished: true, message, ...details };
      if (!answered.ok) Object.assign(answer, { status: answered.status });
      if (this.#asked.has(entry.id)) this.#answer(entry, answer);
    } catch (error) {
      this.#reject(entry, new QewdError(`The message may or may not have run: ${error.message}`, "lost"));
    }
  }

  #receive(data) {
    const envelope = JSON.parse(data);
    const entry = this.#asked.get(envelope.id);
    if (envelope.finished && entry) {
      this.#answer(entry, envelope);
    } else if (!envelope.finished) {
      if (entry?.onPart) call(entry.onPart, envelope.message, envelope);
      this.#tell(envelope.type, envelope);
    }
  }

  #answer(entry, answer) {
    const { message, status, requestId } = answer;
    const isObject = message !== null && typeof message === "object";
    if (isObject && "error" in message && (status || message.disconnect)) {
      const words = typeof message.error === "string" ? message.error : JSON.stringify(message.error);
      const error = new QewdError(words, "refused", { status, requestId, answer });
      this.#reject(entry, error);
      if (ends(error) && !entry.isControl && entry.session === this.#session) this.#enterAnew(error);
      return;
    }
    const token = (isObject && message.token) || answer.token;
    // The client's own renewal says nothing new; an answer that came meanwhile does.
    const isNews = entry.session === this.#session && (!entry.isControl || entry.token === this.#token);
    if (token && isNews) this.#keep(token);
    this.#settle(entry);
    if (isObject && !Array.isArray(message)) delete message.token;
    delete answer.token;
    entry.resolve(answer);
    if (!entry.isControl) this.#tell(entry.type, answer);
  }

  /** What a handler says, as an event. */
  #tell(type, envelope) {
    if (!OWN_EVENTS.includes(type)) this.emit(type, envelope);
  }

  #late(entry, time) {
    const words = entry.id ? "No answer came in time; the message may or may not have run" : "The message was not sent in time";
    this.#reject(entry, new QewdError(`${words} (${time} ms)`, "timeout"));
    // Is it the handler that is slow, or is the connection dead? A host that refused a renewal lives.
    if (entry.id && !entry.ajax && !entry.isControl && this.#refusals === 0) this.#renew();
  }

  #reject(entry, error) {
    if (!this.#settle(entry)) return;
    error.type ??= entry.type;
    entry.abort?.abort();
    entry.reject(error);
    if (!entry.isControl) this.emit("error", error);
  }

  /** Takes a message out; it is settled once, however many reasons there are. */
  #settle(entry) {
    if (entry.isSettled) return false;
    entry.isSettled = true;
    clearTimeout(entry.timer);
    if (!this.#asked.delete(entry.id)) this.#queue = this.#queue.filter((other) => other !== entry);
    // Later, so that a connection that ends rejects what it has before anything else is sent.
    queueMicrotask(() => this.#flush());
    return true;
  }

  // --- the session ---

  /** Keeps the newest token, and sees to it that it does not end while the page is there. */
  #keep(token) {
    this.#token = token;
    this.#refusals = 0;
    clearTimeout(this.#renewTimer);
    this.#store(token);
    const life = token && this.#options.renew !== false ? lifeOf(token) : null;
    if (!life) return;
    const wait = Math.min(Math.max(life * RENEW_AT, RENEW_LEAST), RENEW_MOST);
    this.#renewTimer = setTimeout(() => this.#renew(), wait);
  }

  /** Asks for a new token, and so whether the connection lives: one such message at a time, and one timer. */
  async #renew() {
    const socket = this.#socket;
    if (this.#state !== "ready" || this.#renewing === socket) return;
    this.#renewing = socket;
    clearTimeout(this.#renewTimer);
    try {
      await this.#control({ type: "ewd-reregister" });
    } catch (error) {
      if (socket !== this.#socket || this.#state !== "ready") return;
      if (ends(error)) this.#enterAnew(error);
      else if (error.code === "timeout") this.#drop("the host did not answer");
      else this.#renewTimer = setTimeout(() => this.#renew(), backOff(this.#refusals++));
    } finally {
      if (this.#renewing === socket) this.#renewing = null;
    }
  }

  #enterAnew(error) {
    const isReady = this.#state === "ready";
    if (isReady) this.#state = "entering";
    this.#endSession(error);
    if (isReady && this.#state === "entering") this.#enter(this.#socket);
  }

  #read() {
    if (!this.#options.keep) return null;
    try {
      return sessionStorage.getItem(this.#place());
    } catch {
      return null;
    }
  }

  #store(token) {
    if (!this.#options.keep) return;
    try {
      if (token) sessionStorage.setItem(this.#place(), token);
      else sessionStorage.removeItem(this.#place());
    } catch {
      // A browser may forbid it; then the session ends with the page.
    }
  }

  #place() {
    return `qewd ${this.#options.application} ${this.#address("ws")}`;
  }
}

/** Calls what belongs to the page. If that fails, it is reported, and the client goes on. */
function call(handler, ...what) {
  try {
    handler(...what);
  } catch (error) {
    (globalThis.reportError ?? console.error)(error);
  }
}

/** How long to wait after so many attempts, in milliseconds. */
function backOff(attempts) {
  return Math.min(LAST_WAIT, FIRST_WAIT * 2 ** Math.min(attempts, 10)) * (0.5 + Math.random() / 2);
}

/** Whether the host says that the session is of no use any more. */
function ends(error) {
  return error.answer?.message?.disconnect === true;
}

/** How long a token lives, in milliseconds, by the host's own clock; nothing, if it does not say. */
function lifeOf(token) {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const { iat, exp } = JSON.parse(atob(part));
    return Number.isFinite(exp - iat) ? (exp - iat) * 1000 : null;
  } catch {
    return null;
  }
}

/** One client for the whole page. */
export const QEWD = new Client();
export default QEWD;
