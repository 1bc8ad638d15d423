/** Types of qewd-client.js; the words there say more. */

/** What a page sends. `token` and `id` are added. */
export interface Message<P = unknown> {
  type: string;
  params?: P;
  /** By HTTP, also while the WebSocket's connection is lost; without intermediate messages. */
  ajax?: boolean;
  [member: string]: unknown;
}

/** What a host says: an answer, an intermediate message (`finished: false`), or a push (without `finished`). */
export interface Envelope<T = unknown> {
  type: string;
  message: T;
  finished?: boolean;
  id?: number;
  responseTime?: string;
  /** Of an error, in place of the good answer. */
  status?: number;
  requestId?: string;
}

/** The answer of `reply` and of callbacks, if it is an error. */
export interface Refused {
  error: unknown;
  disconnect?: boolean;
}

export type ErrorCode = "refused" | "lost" | "timeout" | "full" | "session-lost" | "stopped" | "unreachable";

export class QewdError extends Error {
  readonly code: ErrorCode;
  /** The host's status, as HTTP has it. */
  readonly status?: number;
  /** By this the host's log knows the message. */
  readonly requestId?: string;
  /** The type of the message. */
  readonly type?: string;
  readonly answer?: Envelope<Refused>;
}

export interface Options {
  /** The application for which the page registers. */
  application?: string;
  /** Where the host is; default: where the page comes from. */
  url?: string;
  /** Keeps the session in sessionStorage, so that it outlives a reload of the page; default `false`. */
  keep?: boolean;
  /** Renews the session of an idle page before it ends; default `true`. */
  renew?: boolean;
}

export interface SendOptions {
  /** Milliseconds until the promise is rejected, waiting for a connection included; default 60 000. */
  timeout?: number;
  /** Gets each intermediate message. */
  onPart?: (message: any, envelope: Envelope<any>) => void;
}

export interface Started {
  /** Whether a session that was kept goes on. */
  resumed: boolean;
}

/** The client's own events, which no message and no push fires. All others are `Envelope`s, by the type of the message. */
export interface Events {
  "ewd-registered": Started;
  "ewd-reregistered": Started;
  "ewd-session-lost": QewdError;
  socketDisconnected: { code: number; reason: string };
  error: QewdError;
}

type Event<K extends string> = K extends keyof Events ? Events[K] : Envelope<any>;

export class Client {
  constructor(options?: Options);
  /** Whether messages go out at once. */
  readonly connected: boolean;
  /** The newest token, for REST requests of the same session. */
  token: string | null;
  /** Once started, it is rejected if it asks for anything else. */
  start(options?: Options): Promise<Started>;
  send<T = any>(message: Message, callback: (answer: Envelope<T | Refused>) => void): void;
  send<T = any>(message: Message, options?: SendOptions): Promise<T>;
  reply<T = any>(message: Message, options?: SendOptions): Promise<Envelope<T | Refused>>;
  getFragment(
    fragment: { name: string; targetId?: string; append?: boolean },
    callback?: (content: string) => void,
  ): Promise<string>;
  on<K extends string>(type: K, handler: (event: Event<K>) => void): this;
  once<K extends string>(type: K, handler: (event: Event<K>) => void): this;
  off<K extends string>(type: K, handler?: (event: Event<K>) => void): this;
  emit<K extends string>(type: K, event?: Event<K>): this;
  disconnect(): void;
  disconnectSocket(): void;
}

export const QEWD: Client;
export default QEWD;
