/* All trends of a bed in one window of time, which buttons, dragging and arrow keys move. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { cellOf, PRIORITIES, priorityOf } from "../alarms";
import { admissionInFull, fluidsOf, seriesOf } from "../api";
import { dayTimeText, instantMs, minuteText, valueText } from "../format";
import { useLoaded } from "../loading";
import { ALWAYS, alarmSpans, bolusSpans, doseSpans, gainWords, shapesOf, type AlarmSpan, type Span, type TrendShape } from "../trends";
import type { AlarmFrame, BedFrame, Dose, SeriesRow } from "../types";
import { clock } from "../ward";
import { isEmpty, TrendChart } from "./trend_chart";

const HOURS = [1, 6, 24] as const;
const HOUR_MS = 3_600_000;
const LEAST_MS = 60_000;
const HEIGHTS: [number, number] = [66, 170];
/** What stands around the plots of the panel, and over each. */
const AROUND_PX = 130;
const CAPTION_PX = 26;
/** Where everything stands in one column, a few trends come first and the others when asked for. */
const NARROW = matchMedia("(max-width: 1100px)");
const FIRST = new Set(["map", "hr", "spo2"]);

const NONE: Span[] = [];
const NO_LIMITS: Record<string, number> = {};

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

function Trend({ bed, shape, window, doses, alarms, boluses, hasAxis, height, onZoom, onReset, onEmpty }: {
  bed: BedFrame; shape: TrendShape; window: Window; doses: Span[]; alarms: AlarmSpan[]; boluses: Span[]; hasAxis: boolean;
  height: number; onZoom: (fromMs: number, toMs: number) => void; onReset: () => void;
  onEmpty: (signal: string, isSo: boolean) => void;
}) {
  const { fromMs, toMs } = window;
  const { admission_id: admissionId, baseline_weight_kg: baselineKg } = bed.admission!;
  const question = `${admissionId} ${shape.signal} ${Math.round(fromMs)} ${Math.round(toMs)}`;
  const { answer, problem } = useLoaded(question, () => seriesOf(admissionId, shape.signal, fromMs, toMs), 86_400_000);
  const hasNothing = !problem && isEmpty(answer) && !ALWAYS.has(shape.signal);
  useEffect(() => onEmpty(shape.signal, hasNothing), [shape.signal, hasNothing]);
  if (hasNothing) return <NoTrend bed={bed} shape={shape} />;
  return (
    <TrendChart
      shape={shape} rows={answer} problem={problem} fromMs={fromMs} toMs={toMs} doses={doses} alarms={alarms} boluses={boluses}
      hasAxis={hasAxis} height={height} remark={shape.signal === "weight" ? gainOf(answer, baselineKg) : ""} onZoom={onZoom} onReset={onReset}
    />
  );
}

function gainOf(rows: readonly SeriesRow[] | null, baselineKg: number): string {
  const last = rows?.filter((row) => Number.isFinite(row.mean)).at(-1);
  return last ? gainWords(last.mean, baselineKg) : "";
}

/** A signal that tells nothing in this window takes a line, and no place. */
function NoTrend({ bed, shape }: { bed: BedFrame; shape: TrendShape }) {
  const last = bed.signals?.[shape.signal];
  const words = last && last.value !== null ? `, last ${valueText(last.value, shape.signal)} ${shape.unit} at ${dayTimeText(last.at)}` : "";
  return (
    <figure class="trend trend-none" data-signal={shape.signal}>
      <figcaption class="trend-caption"><strong>{shape.label}</strong> {`nothing recorded in this window${words}`}</figcaption>
    </figure>
  );
}

/** Height of a plot of one share, so that all of them fit in the panel where they can. */
function usePlotHeight(panel: { current: HTMLElement | null }, count: number, shares: number): number {
  const [height, setHeight] = useState(HEIGHTS[0]);
  useEffect(() => {
    const measure = (): void => {
      if (NARROW.matches) return setHeight(HEIGHTS[0]);
      const room = (panel.current?.clientHeight ?? 0) - AROUND_PX - count * CAPTION_PX;
      return setHeight(Math.round(Math.min(HEIGHTS[1], Math.max(HEIGHTS[0], room / shares))));
    };
    const watching = new ResizeObserver(measure);
    if (panel.current) watching.observe(panel.current);
    return () => watching.disconnect();
  }, [count, shares]);
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
  const limits = useLoaded(`${admission.admission_id} limits`, () => admissionInFull(admission.admission_id), 60_000).answer?.limits ?? NO_LIMITS;
  const have = Object.keys(bed.signals ?? {}).sort().join();
  const [showsAll, setShowsAll] = useState(() => !NARROW.matches);
  const all = useMemo(() => shapesOf(bed, limits), [have, JSON.stringify(limits)]);
  const shapes = showsAll ? all : all.filter(isFirst);
  const [empty, setEmpty] = useState<ReadonlySet<string>>(new Set());
  function noteEmpty(signal: string, isSo: boolean): void {
    setEmpty((before) => {
      if (before.has(signal) === isSo) return before;
      return isSo ? new Set([...before, signal]) : new Set([...before].filter((each) => each !== signal));
    });
  }
  const drawn = shapes.filter(({ signal }) => !empty.has(signal));
  const lastOfGroups = new Set(shapes.map(({ group }) => drawn.filter((shape) => shape.group === group).at(-1)?.signal));
  const spans = doseSpans(doses, nowMs);
  const fluids = useLoaded(`${admission.admission_id} fluids`, () => fluidsOf(admission.admission_id), 60_000);
  const boluses = useMemo(() => bolusSpans(fluids.answer?.boluses ?? []), [fluids.answer]);
  // The most urgent is drawn last, over the others.
  const byPriority = [...alarms].sort((a, b) => PRIORITIES.indexOf(priorityOf(b)) - PRIORITIES.indexOf(priorityOf(a)));
  const marks = alarmSpans(byPriority, nowMs);
  const panel = useRef<HTMLElement>(null);
  const height = usePlotHeight(panel, drawn.length, drawn.reduce((sum, { share = 1 }) => sum + share, 0));
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
      {shapes.map((shape) => (
        <Trend
          key={shape.signal} bed={bed} shape={shape} window={window} doses={spans}
          alarms={marks.filter((_, at) => shape.signal === "map" || isAbout(byPriority[at]!, shape))}
          boluses={shape.signal === "map" ? boluses : NONE} hasAxis={lastOfGroups.has(shape.signal) || shape.share !== undefined} height={height * (shape.share ?? 1)} onEmpty={noteEmpty}
          onZoom={zoom} onReset={() => follow(hours > 0 ? hours : 6)}
        />
      ))}
      {!showsAll && all.length > shapes.length && (
        <button type="button" class="all-trends" onClick={() => setShowsAll(true)}>{`All ${all.length} trends`}</button>
      )}
    </section>
  );
}

function isFirst({ signal }: TrendShape): boolean {
  return FIRST.has(signal) || signal.endsWith("_min");
}

function isAbout(alarm: AlarmFrame, shape: TrendShape): boolean {
  const cell = cellOf(alarm);
  return cell !== null && shape.cells.includes(cell);
}
