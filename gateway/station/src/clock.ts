/* The gateway's time as this page may claim to know it, and whether the page may call itself live.
 *
 * Rules
 *   - Ages run on performance.now() from the frames heard. The browser's wall clock never enters an age.
 *   - Live means: a frame was heard within LIVE_WITHIN_MS, that frame was not itself late, and nothing casts doubt on
 *     this page having been awake since. Everything else is not live.
 *   - A frame that arrives late (a proxy or a stalled tab that kept frames back) does not make the page live, and does
 *     not make values look younger: ages are reckoned against the newest gateway time known.
 *   - The gateway may run its clock faster than real time (demonstrations): elapsed time counts `speed` times.
 *
 * Deliberately not here: sockets, the document. Both classes take their time source, so that they can be tested.
 */

/** Heartbeats come every second. With a tick of a quarter second the page greys before 3 s of silence. */
export const LIVE_WITHIN_MS = 2600;
/** A frame this much behind the newest gateway time known is old news. */
const LATE_MS = 2600;
/** Share of a small lag taken back at each frame, so that a slightly wrong `speed` does not add up. */
const DRIFT_SHARE = 0.05;

type TimeSource = () => number;

export class FeedClock {
  readonly #monotonic: TimeSource;
  #anchorAtMs: number | null = null;
  #anchorMs = 0;
  #speed = 1;
  #heardMs: number | null = null;
  #heardAtMs: number | null = null;
  #lateMs = 0;
  #settling = true;
  #doubted = true;

  constructor(monotonic: TimeSource = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** How many seconds of gateway time pass in one real second. */
  get speed(): number {
    return this.#speed;
  }

  set speed(speed: number) {
    if (!(speed > 0) || speed === this.#speed) return;
    const now = this.now();
    if (now !== null) this.#anchor(now);
    this.#speed = speed;
  }

  /** A frame was heard. `current`: it was written at the moment of sending (a snapshot or a heartbeat, not a resumed delta). */
  hear(atMs: number, current: boolean): void {
    const expectedMs = this.now();
    const lateMs = expectedMs === null ? 0 : (expectedMs - atMs) / this.#speed;
    if (expectedMs === null || lateMs <= 0 || (this.#settling && current)) {
      this.#anchor(atMs);
      this.#lateMs = 0;
    } else {
      if (lateMs < LATE_MS) this.#anchor(expectedMs - lateMs * this.#speed * DRIFT_SHARE);
      this.#lateMs = lateMs;
    }
    if (current) this.#settling = false;
    if (this.#lateMs < LATE_MS) this.#doubted = false;
    this.#heardMs = this.#monotonic();
    this.#heardAtMs = atMs;
  }

  /** A new connection begins: its first snapshot or heartbeat may set the clock, backwards too. */
  resettle(): void {
    this.#settling = true;
  }

  /** The page may have slept: nothing is live until a frame of a new connection is heard. */
  doubt(): void {
    this.#doubted = true;
    this.#settling = true;
  }

  #anchor(atMs: number): void {
    this.#anchorAtMs = atMs;
    this.#anchorMs = this.#monotonic();
  }

  /** Gateway time now in ms since 1970, or null before the first frame. */
  now(): number | null {
    if (this.#anchorAtMs === null) return null;
    return this.#anchorAtMs + (this.#monotonic() - this.#anchorMs) * this.#speed;
  }

  /** Age in seconds of gateway time of something determined at `atMs`; negative when it is dated ahead. */
  ageS(atMs: number): number {
    return ((this.now() ?? Infinity) - atMs) / 1000;
  }

  /** Clock disagreement that is not worth a word: 5 s, or a second of real time where the clock runs fast. */
  get aheadToleranceS(): number {
    return Math.max(5, this.#speed);
  }

  /** Gateway time written in the last frame heard, or null. */
  get heardAtMs(): number | null {
    return this.#heardAtMs;
  }

  /** Real milliseconds since a frame was heard. */
  get silenceMs(): number {
    return this.#heardMs === null ? Infinity : this.#monotonic() - this.#heardMs;
  }

  get isLate(): boolean {
    return this.#lateMs >= LATE_MS;
  }

  get isLive(): boolean {
    return !this.#doubted && !this.isLate && this.silenceMs < LIVE_WITHIN_MS;
  }
}

/** Notices that this page did not run for a while: throttled or frozen timers, a sleeping machine. */
export class WakeWatch {
  readonly #monotonic: TimeSource;
  readonly #wall: TimeSource;
  #tickMs: number;
  #tickWallMs: number;

  constructor(monotonic: TimeSource = () => performance.now(), wall: TimeSource = () => Date.now()) {
    this.#monotonic = monotonic;
    this.#wall = wall;
    this.#tickMs = monotonic();
    this.#tickWallMs = wall();
  }

  /** Call it often. True when the last call was so long ago that the page may have missed something. */
  sleptSinceLastTick(): boolean {
    const nowMs = this.#monotonic();
    const wallMs = this.#wall();
    const gapMs = nowMs - this.#tickMs;
    // performance.now() stands still while some systems sleep; the wall clock does not.
    const jumpMs = Math.abs(wallMs - this.#tickWallMs - gapMs);
    this.#tickMs = nowMs;
    this.#tickWallMs = wallMs;
    return gapMs > LIVE_WITHIN_MS || jumpMs > LIVE_WITHIN_MS;
  }
}
