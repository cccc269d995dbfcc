/* All trends of a bed in one window of time, which buttons, dragging and arrow keys move. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { cellOf, PRIORITIES, priorityOf } from "../alarms";
import { fluidsOf, seriesOf } from "../api";
import { dayTimeText, instantMs, minuteText } from "../format";
import { useLoaded } from "../loading";
import { alarmSpans, bolusSpans, doseSpans, PRESSOR_TRENDS, TRENDS, type AlarmSpan, type Span, type TrendShape } from "../trends";
import type { AlarmFrame, BedFrame, Dose } from "../types";
import { clock } from "../ward";
import { TrendChart } from "./trend_chart";

const HOURS = [1, 6, 24] as const;
const HOUR_MS = 3_600_000;
const LEAST_MS = 60_000;
const HEIGHTS: [number, number] = [72, 170];
/** What stands around the plots of the panel, and over each. */
const AROUND_PX = 130;
const CAPTION_PX = 26;
/** Drawn whether the bed has them now or not: a place that is empty says so. */
const ALWAYS = new Set(["map", "hr", "spo2"]);

const NONE: Span[] = [];

interface Window {
  fromMs: number;
  toMs: number;
  /** Whether the window ends now and moves on. */
  isFollowing: boolean;
}

function lastHours(hours: number): Window {
  const toMs = clock.now() ?? Date.now();
  return { fromMs: toMs - hours * HOUR_MS, toMs, isFollowing: true };
}

function Trend({ admissionId, shape, window, doses, alarms, boluses, isLast, height, onZoom, onReset }: {
  admissionId: string; shape: TrendShape; window: Window; doses: Span[]; alarms: AlarmSpan[]; boluses: Span[]; isLast: boolean;
  height: number; onZoom: (fromMs: number, toMs: number) => void; onReset: () => void;
}) {
  const { fromMs, toMs } = window;
  const question = `${admissionId} ${shape.signal} ${Math.round(fromMs)} ${Math.round(toMs)}`;
  const { answer, problem } = useLoaded(question, () => seriesOf(admissionId, shape.signal, fromMs, toMs), 86_400_000);
  return (
    <TrendChart
      shape={shape} rows={answer} problem={problem} fromMs={fromMs} toMs={toMs} doses={doses} alarms={alarms} boluses={boluses}
      isLast={isLast} height={height} onZoom={onZoom} onReset={onReset}
    />
  );
}

/** Height of each of `count` plots, so that all of them fit in the panel where they can. */
function usePlotHeight(panel: { current: HTMLElement | null }, count: number): number {
  const [height, setHeight] = useState(HEIGHTS[0]);
  useEffect(() => {
    const measure = (): void => {
      const room = (panel.current?.clientHeight ?? 0) - AROUND_PX - count * CAPTION_PX;
      setHeight(Math.round(Math.min(HEIGHTS[1], Math.max(HEIGHTS[0], room / count))));
    };
    const watching = new ResizeObserver(measure);
    if (panel.current) watching.observe(panel.current);
    return () => watching.disconnect();
  }, [count]);
  return height;
}

export function TrendsPanel({ bed, alarms, doses }: { bed: BedFrame; alarms: AlarmFrame[]; doses: Dose[] }) {
  const admission = bed.admission!;
  const [hours, setHours] = useState<number>(6);
  const [window, setWindow] = useState<Window>(() => lastHours(6));

  useEffect(() => {
    if (!window.isFollowing) return undefined;
    const everyMs = Math.max(2000, 30_000 / Math.max(1, clock.speed / 4));
    const timer = setInterval(() => setWindow((before) => {
      const toMs = clock.now();
      return before.isFollowing && toMs !== null ? { ...before, fromMs: toMs - (before.toMs - before.fromMs), toMs } : before;
    }), everyMs);
    return () => clearInterval(timer);
  }, [window.isFollowing]);

  function follow(count: number): void {
    setHours(count);
    setWindow(lastHours(count));
  }
  function stay(): void {
    const toMs = clock.now() ?? Date.now();
    setHours(0);
    setWindow({ fromMs: instantMs(admission.admitted_at), toMs, isFollowing: false });
  }
  function zoom(fromMs: number, toMs: number): void {
    if (toMs - fromMs < LEAST_MS) return;
    setHours(-1);
    setWindow({ fromMs, toMs, isFollowing: false });
  }
  function shift(share: number): void {
    const by = (window.toMs - window.fromMs) * share;
    zoom(window.fromMs + by, window.toMs + by);
  }
  function widen(factor: number): void {
    const middle = (window.fromMs + window.toMs) / 2;
    const half = ((window.toMs - window.fromMs) * factor) / 2;
    zoom(middle - half, middle + half);
  }

  const nowMs = clock.now() ?? window.toMs;
  const shapes = [...TRENDS, ...PRESSOR_TRENDS].filter(({ signal }) => ALWAYS.has(signal) || bed.signals?.[signal]);
  const spans = doseSpans(doses, nowMs);
  const fluids = useLoaded(`${admission.admission_id} fluids`, () => fluidsOf(admission.admission_id), 60_000);
  const boluses = useMemo(() => bolusSpans(fluids.answer?.boluses ?? []), [fluids.answer]);
  // The most urgent is drawn last, over the others.
  const byPriority = [...alarms].sort((a, b) => PRIORITIES.indexOf(priorityOf(b)) - PRIORITIES.indexOf(priorityOf(a)));
  const marks = alarmSpans(byPriority, nowMs);
  const panel = useRef<HTMLElement>(null);
  const height = usePlotHeight(panel, shapes.length);
  return (
    <section class="trends" aria-label="Trends" ref={panel}>
      <header class="trend-head">
        <h2>Trends <span class="trend-window">{`${dayTimeText(window.fromMs)} – ${minuteText(window.toMs)}`}</span></h2>
        <div class="hours" role="group" aria-label="Window">
          <button type="button" class="hour" aria-label="Earlier" onClick={() => shift(-0.5)}>◀</button>
          <button type="button" class="hour" aria-label="Later" onClick={() => shift(0.5)}>▶</button>
          <button type="button" class="hour" aria-label="Zoom in" onClick={() => widen(0.5)}>+</button>
          <button type="button" class="hour" aria-label="Zoom out" onClick={() => widen(2)}>−</button>
          {HOURS.map((count) => (
            <button key={count} type="button" class="hour" aria-pressed={hours === count} onClick={() => follow(count)}>{`${count} h`}</button>
          ))}
          <button type="button" class="hour" aria-pressed={hours === 0} onClick={stay}>Stay</button>
        </div>
      </header>
      <p class="trend-legend">
        <span class="key key-dose" /> dose <span class="key key-alarm" /> alarm <span class="key key-band" /> lowest to highest
        <span class="key key-bolus" /> bolus
        · drag to zoom, double click to return
      </p>
      {shapes.map((shape, index) => (
        <Trend
          key={shape.signal} admissionId={admission.admission_id} shape={shape} window={window} doses={spans}
          alarms={marks.filter((_, at) => shape.signal === "map" || isAbout(byPriority[at]!, shape))}
          boluses={shape.signal === "map" ? boluses : NONE} isLast={index === shapes.length - 1} height={height} onZoom={zoom} onReset={() => follow(hours > 0 ? hours : 6)}
        />
      ))}
    </section>
  );
}

function isAbout(alarm: AlarmFrame, shape: TrendShape): boolean {
  const cell = cellOf(alarm);
  return cell !== null && shape.cells.includes(cell);
}
