/* The loudspeaker: plays the burst of the loudest alarm again and again, for as long as it is to be heard.
 *
 * A browser lets a page sound only after somebody has touched it: until then, and while sound is switched off here, the
 * page says so, and shows alarms all the same (IEC 60601-1-8, 6.8: AUDIO OFF is disclosed).
 */

import { signal } from "@preact/signals";

import { pauseLeftS, priorityOf } from "./alarms";
import { stageOf } from "./acknowledging";
import { soundWanted } from "./preferences";
import { burst, categoryOf, INTERBURST_S, isAudible, lengthS, loudest, type Category, type Pulse } from "./sound";
import type { AlarmFrame, Priority } from "./types";
import { clock, house, isLive, placedAlarms } from "./ward";

/** on: sounds; off: switched off here; blocked: the browser waits for a touch. */
export type SoundState = "on" | "off" | "blocked";
export const soundState = signal<SoundState>("blocked");

/** Amplitudes of the partials: five within 150 to 4000 Hz, the weakest 8 dB below the first. */
const PARTIALS = [0, 1, 0.8, 0.63, 0.5, 0.4];
const LEVEL = 0.28;
const EDGE_S = 0.015;
const ORDER: Priority[] = ["high", "medium", "low"];

let context: AudioContext | null = null;
let wave: PeriodicWave | null = null;
let nextAtMs = 0;
let playing: { gain: GainNode; endsMs: number; priority: Priority } | null = null;

function audio(): AudioContext {
  if (context === null) {
    context = new AudioContext();
    wave = context.createPeriodicWave(new Float32Array(PARTIALS.length), new Float32Array(PARTIALS));
  }
  return context;
}

function play(pulses: readonly Pulse[]): GainNode {
  const on = audio();
  const volume = new GainNode(on, { gain: LEVEL });
  volume.connect(on.destination);
  const startS = on.currentTime + 0.05;
  for (const { atS, durationS, hz } of pulses) {
    const tone = new OscillatorNode(on, { frequency: hz, periodicWave: wave! });
    const envelope = new GainNode(on, { gain: 0 });
    const fromS = startS + atS;
    envelope.gain.setValueAtTime(0, fromS);
    envelope.gain.linearRampToValueAtTime(1, fromS + EDGE_S);
    envelope.gain.setValueAtTime(1, fromS + durationS - EDGE_S);
    envelope.gain.linearRampToValueAtTime(0, fromS + durationS);
    tone.connect(envelope).connect(volume);
    tone.start(fromS);
    tone.stop(fromS + durationS);
  }
  return volume;
}

function heardAlarms(): AlarmFrame[] {
  const all = [...placedAlarms.peek().map(({ alarm }) => alarm), ...house.peek()];
  return all.filter((alarm) => isAudible(alarm, pauseLeftS(alarm, clock), stageOf(alarm.alarm_id) === "touched"));
}

/** What is to be heard. That this display has been cut off is a thing to hear as well: the lowest burst. */
function dueNow(): { priority: Priority; category: Category } | null {
  if (!isLive.peek()) return clock.heardAtMs === null ? null : { priority: "low", category: "general" };
  const alarm = loudest(heardAlarms());
  return alarm && { priority: priorityOf(alarm), category: categoryOf(alarm) };
}

function stop(): void {
  if (playing && performance.now() < playing.endsMs) playing.gain.gain.value = 0;
  playing = null;
}

/** Call it often. A more urgent alarm does not wait for the end of the burst of a lesser one. */
export function sound(): void {
  if (!soundWanted.peek()) soundState.value = "off";
  else soundState.value = context?.state === "running" ? "on" : "blocked";
  const due = soundState.peek() === "on" ? dueNow() : null;
  if (due === null) {
    stop();
    nextAtMs = 0;
    return;
  }
  const { priority, category } = due;
  const isMoreUrgent = playing !== null && ORDER.indexOf(priority) < ORDER.indexOf(playing.priority);
  if (performance.now() < nextAtMs && !isMoreUrgent) return;
  stop();
  const pulses = burst(priority, category);
  const soundsMs = lengthS(pulses) * 1000;
  playing = { gain: play(pulses), endsMs: performance.now() + soundsMs, priority };
  nextAtMs = performance.now() + soundsMs + INTERBURST_S[priority] * 1000;
}

/** Asks the browser to let the page sound: at once where it may (a kiosk), else at the next touch. */
export function allowSound(): void {
  const ask = (): void => {
    if (!soundWanted.peek()) return;
    void audio().resume().then(sound, () => undefined);
  };
  for (const touch of ["pointerdown", "keydown"]) window.addEventListener(touch, ask);
  ask();
}
