/* The connection to the gateway's feed.
 *
 * Rules
 *   - Frames are handed on in the order of their numbers, without a hole. A hole drops the connection and asks for a
 *     fresh snapshot.
 *   - After a loss it comes back with `?after=N` by itself: at once when told to, else after 0.25 s doubling to 5 s,
 *     each time with jitter, so that forty displays do not knock together.
 *   - A connection that answers nothing for ANSWER_WITHIN_MS is given up; a half-open socket is never waited for.
 *
 * Deliberately not here: what a frame means, and whether the page is live (`clock.ts`).
 */

import { instantMs } from "./format";
import { plainJson } from "./plain_json";
import type { Frame } from "./types";

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5000;
const ANSWER_WITHIN_MS = 4000;

export type Connection = "connecting" | "waiting";

interface FeedParts {
  /** Absolute path of the feed on this origin. */
  path: string;
  /** Throws to refuse the frame: a fresh snapshot follows. */
  onFrame: (frame: Frame, atMs: number) => void;
  onConnection: (state: Connection) => void;
}

export class Feed {
  readonly #url: URL;
  readonly #onFrame: FeedParts["onFrame"];
  readonly #onConnection: FeedParts["onConnection"];
  #socket: WebSocket | null = null;
  #n: number | null = null;
  #failures = 0;
  #retryTimer = 0;
  #answerTimer = 0;

  constructor({ path, onFrame, onConnection }: FeedParts) {
    const url = new URL(path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#url = url;
    this.#onFrame = onFrame;
    this.#onConnection = onConnection;
  }

  /** Number of the last frame handed on, or null. */
  get n(): number | null {
    return this.#n;
  }

  start(): void {
    this.#open();
  }

  /** Gives the present connection up and opens another at once, resuming after the last frame. */
  reconnect(): void {
    this.#drop();
    this.#open();
  }

  /** Asks for a fresh snapshot, after a pause. */
  startOver(): void {
    this.#n = null;
    this.#lost(this.#socket);
  }

  #open(): void {
    clearTimeout(this.#retryTimer);
    this.#onConnection("connecting");
    this.#url.search = this.#n === null ? "" : `?after=${this.#n}`;
    const socket = new WebSocket(this.#url);
    socket.addEventListener("message", (message) => this.#hear(socket, message.data as string));
    socket.addEventListener("close", () => this.#lost(socket));
    this.#socket = socket;
    this.#answerTimer = window.setTimeout(() => this.#lost(socket), ANSWER_WITHIN_MS);
  }

  #drop(): void {
    clearTimeout(this.#answerTimer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #lost(socket: WebSocket | null): void {
    if (socket === null || socket !== this.#socket) return;
    this.#drop();
    this.#onConnection("waiting");
    const longestMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retryTimer = window.setTimeout(() => this.#open(), longestMs * (0.5 + Math.random() / 2));
  }

  #hear(socket: WebSocket, text: string): void {
    if (socket !== this.#socket) return;
    clearTimeout(this.#answerTimer);
    try {
      this.#accept(JSON.parse(plainJson(text)) as Frame);
    } catch (error) {
      console.warn("feed: frame refused, asking for a snapshot:", error instanceof Error ? error.message : error);
      this.startOver();
    }
  }

  #accept(frame: Frame): void {
    const atMs = instantMs(frame.at);
    if (!Number.isInteger(frame.n) || !Number.isFinite(atMs)) throw new Error("frame without n or at");
    if (!["snapshot", "delta", "heartbeat"].includes(frame.type)) throw new Error("frame of an unknown type");
    if (frame.type !== "snapshot") {
      if (this.#n === null) throw new Error("no snapshot yet");
      const expected = frame.type === "delta" ? this.#n + 1 : this.#n;
      if (frame.n !== expected) throw new Error(`frame ${frame.n} where ${expected} was due`);
    }
    this.#n = frame.n;
    this.#onFrame(frame, atMs);
    // Only a connection that has lasted to a heartbeat counts as a good one: a snapshot that is refused again and
    // again must not be asked for without pause.
    if (frame.type === "heartbeat") this.#failures = 0;
  }
}
