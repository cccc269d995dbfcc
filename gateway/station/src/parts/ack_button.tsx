/* The button that acknowledges an alarm with one touch.
 *
 * Rules
 *   - The alarm acknowledged is the one that was on the button when the finger came down, never one that slipped under it.
 *   - A button that has just changed its alarm does nothing for SETTLE_MS: nobody has read that alarm yet.
 *   - Once touched it takes the touch back, for as long as nobody was told (`acknowledging.ts`).
 */

import { useEffect, useRef, useState } from "preact/hooks";

import { stageOf, takeBack, touch, undoLeftMs } from "../acknowledging";
import { whyNot } from "../session";
import { tell } from "../telling";
import type { AlarmFrame } from "../types";
import { beat, isLive } from "../ward";

const SETTLE_MS = 600;

interface Held {
  alarmId: string;
  words: string;
  isSettled: boolean;
}

/** `words` name the alarm for a screen reader. */
export function AckButton({ alarm, words }: { alarm: AlarmFrame; words: string }) {
  void beat.value;
  const alarmId = alarm.alarm_id;
  const shown = useRef({ alarmId, sinceMs: performance.now() });
  const pressed = useRef<Held | null>(null);
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => redraw((count) => count + 1), SETTLE_MS + 10);
    return () => clearTimeout(timer);
  }, [alarmId]);
  if (shown.current.alarmId !== alarmId) shown.current = { alarmId, sinceMs: performance.now() };

  const isSettled = (): boolean => performance.now() - shown.current.sinceMs >= SETTLE_MS;
  const held = (): Held => ({ alarmId: shown.current.alarmId, words, isSettled: isSettled() });
  const stage = stageOf(alarmId);

  function press(click: MouseEvent): void {
    click.stopPropagation();
    // A click from the keyboard has no pointerdown before it (detail 0).
    const what = click.detail === 0 ? held() : pressed.current;
    pressed.current = null;
    if (!what) return;
    if (!what.isSettled) tell("The alarm has just changed. Read it, then touch again.");
    else if (stageOf(what.alarmId) === "touched") takeBack(what.alarmId);
    else touch(what.alarmId, what.words);
  }

  const barred = whyNot("acknowledge");
  const label = { idle: "Ack", sent: "Sent…", touched: `Undo ${Math.ceil(undoLeftMs(alarmId) / 1000)}` }[stage];
  return (
    <button
      type="button"
      class={`ack${isSettled() ? "" : " settling"}`}
      data-stage={stage}
      aria-label={`${label}: ${words}${barred && `. ${barred}`}`}
      title={barred || undefined}
      disabled={stage === "sent" || !isLive.value || barred !== ""}
      onPointerDown={() => (pressed.current = held())}
      onClick={press}
    >
      {label}
    </button>
  );
}
