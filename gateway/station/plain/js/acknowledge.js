/* Acknowledging an alarm with one touch.
 *
 * Rules
 *   - The alarm acknowledged is the one that was on the button when the finger came down, never one that slipped under it.
 *   - A button that has just changed its alarm does nothing for SETTLE_MS: nobody has read that alarm yet.
 *   - A touch is not an acknowledgement. The alarm looks acknowledged when the feed says so, and not before.
 *   - Nothing is acknowledged from a page that is not live.
 */

import { acknowledgeAlarm, Refused } from "./api.js";
import { button, setText } from "./dom.js";

const SETTLE_MS = 600;
const SENT_MS = 3000;

/** Sends acknowledgements, and remembers which are under way. */
export class Acknowledger {
  #actor;
  #tell;
  #sent = new Map();

  /** @param {{actor: () => string, isLive: () => boolean, tell: (words: string) => void}} parts */
  constructor({ actor, isLive, tell }) {
    this.#actor = actor;
    this.isLive = isLive;
    this.#tell = tell;
  }

  isUnderWay(alarmId) {
    return performance.now() - (this.#sent.get(alarmId) ?? -Infinity) < SENT_MS;
  }

  tellSettling() {
    this.#tell("The alarm has just changed. Read it, then touch again.");
  }

  async acknowledge(alarmId, words) {
    if (!this.isLive() || this.isUnderWay(alarmId)) return;
    this.#sent.set(alarmId, performance.now());
    try {
      await acknowledgeAlarm(alarmId, this.#actor());
    } catch (error) {
      this.#tell(`Not acknowledged (${words}): ${error.message}`);
      if (!(error instanceof Refused)) console.warn("acknowledge:", error.message);
      this.#sent.delete(alarmId);
    }
  }
}

export class AckButton {
  #acknowledger;
  #alarmId = null;
  #words = "";
  #shownMs = 0;
  #pressed = null;


  constructor(acknowledger) {
    this.#acknowledger = acknowledger;
    this.node = button("ack", "Ack");
    this.node.hidden = true;
    this.node.addEventListener("pointerdown", () => {
      this.#pressed = this.#held();
    });
    this.node.addEventListener("click", (click) => this.#press(click));
  }

  /** Shows the button for an unacknowledged alarm, or hides it for null. `words` name it for a screen reader. */
  show(alarm, words) {
    const alarmId = alarm?.alarm_id ?? null;
    if (alarmId !== this.#alarmId) this.#shownMs = performance.now();
    this.#alarmId = alarmId;
    this.#words = words;
    this.node.hidden = alarmId === null;
    this.node.setAttribute("aria-label", `Acknowledge ${words}`);
    this.tick();
  }

  tick() {
    if (this.#alarmId === null) return;
    const isUnderWay = this.#acknowledger.isUnderWay(this.#alarmId);
    setText(this.node, isUnderWay ? "Sent…" : "Ack");
    this.node.disabled = isUnderWay || !this.#acknowledger.isLive();
    this.node.classList.toggle("settling", !this.#isSettled());
  }

  #isSettled() {
    return performance.now() - this.#shownMs >= SETTLE_MS;
  }

  #held() {
    return { alarmId: this.#alarmId, words: this.#words, isSettled: this.#isSettled() };
  }

  #press(click) {
    click.stopPropagation();
    // A click from the keyboard has no pointerdown before it (detail 0).
    const pressed = click.detail === 0 ? this.#held() : this.#pressed;
    this.#pressed = null;
    if (!pressed || pressed.alarmId === null) return;
    if (!pressed.isSettled) {
      this.#acknowledger.tellSettling();
      return;
    }
    this.#acknowledger.acknowledge(pressed.alarmId, pressed.words);
    this.tick();
  }
}
