/* One trend: the mean as a line, minimum to maximum as a band, alarms and doses behind it, holes left open.
 *
 * Dragging zooms, a double click shows the whole window again; all charts of a page share the window and the cursor.
 */

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { clockText, dayTimeText, valueText } from "../format";
import { theme } from "../preferences";
import { columnsOf, pointsOf, rangeOf, type AlarmSpan, type Column, type Span, type TrendShape } from "../trends";
import type { SeriesRow } from "../types";

export interface TrendProps {
  shape: TrendShape;
  rows: readonly SeriesRow[] | null;
  problem: string;
  fromMs: number;
  toMs: number;
  doses: readonly Span[];
  alarms: readonly AlarmSpan[];
  boluses: readonly Span[];
  /** Whether the times stand under it. */
  hasAxis: boolean;
  /** More words for the caption. */
  remark: string;
  /** Of the plot alone, CSS pixels. */
  height: number;
  onZoom: (fromMs: number, toMs: number) => void;
  onReset: () => void;
}

/** Room for the times under a chart. */
const AXIS = 22;
const LANE = 6;
/** Room for a value beside the axis. */
const SPLIT_PX = 22;

function heightOf({ height, hasAxis }: TrendProps): number {
  return hasAxis ? height + AXIS : height;
}

function ink(node: Element, name: string): string {
  return getComputedStyle(node).getPropertyValue(name).trim();
}

/** Alarms as a lane along the top, boluses as one under it, doses as bars over the whole height, the limit as a line. */
function drawBehind(plot: uPlot, { doses, alarms, boluses, shape }: TrendProps): void {
  const { ctx, bbox } = plot;
  const x = (s: number): number => Math.min(bbox.left + bbox.width, Math.max(bbox.left, plot.valToPos(s, "x", true)));
  ctx.save();
  ctx.fillStyle = ink(plot.root, "--dose-band");
  for (const dose of doses) ctx.fillRect(x(dose.fromS), bbox.top, Math.max(2, x(dose.toS) - x(dose.fromS)), bbox.height);
  for (const alarm of alarms) {
    ctx.fillStyle = ink(plot.root, `--${alarm.priority}`) || ink(plot.root, "--high");
    if (x(alarm.toS) > bbox.left) ctx.fillRect(x(alarm.fromS), bbox.top, Math.max(3, x(alarm.toS) - x(alarm.fromS)), LANE * devicePixelRatio);
  }
  ctx.fillStyle = ctx.strokeStyle = ink(plot.root, "--dim");
  ctx.font = `${11 * devicePixelRatio}px ${getComputedStyle(plot.root).fontFamily}`;
  const top = bbox.top + (LANE + 3) * devicePixelRatio;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  for (const bolus of boluses) {
    if (x(bolus.toS) <= bbox.left || x(bolus.fromS) >= bbox.left + bbox.width) continue;
    ctx.fillRect(x(bolus.fromS), top, Math.max(3, x(bolus.toS) - x(bolus.fromS)), LANE * devicePixelRatio);
    const width = ctx.measureText(bolus.label).width;
    ctx.fillText(bolus.label, Math.min(x(bolus.fromS), bbox.left + bbox.width - width), top + (LANE + 3) * devicePixelRatio);
  }
  if (shape.mark !== undefined) {
    ctx.strokeStyle = ink(plot.root, "--faint");
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    const y = plot.valToPos(shape.mark, "y", true);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

function axisFont(node: Element): string {
  return `12px ${getComputedStyle(node).fontFamily}`;
}

function optionsOf(host: HTMLElement, latest: { current: TrendProps }): uPlot.Options {
  const { shape, hasAxis } = latest.current;
  const line = ink(host, "--text");
  const dim = ink(host, "--dim");
  const grid = { stroke: ink(host, "--line"), width: 1 };
  const axis = { stroke: dim, grid, ticks: { show: false }, font: axisFont(host) };
  const paths = shape.step ? { paths: uPlot.paths.stepped!({ align: shape.step === "holds" ? 1 : -1 }) } : {};
  const value = (_: uPlot, raw: number | null): string => (raw === null ? "–" : valueText(raw, shape.signal));
  return {
    width: Math.max(100, host.clientWidth),
    height: heightOf(latest.current),
    padding: [8, 20, 0, 0],
    cursor: { sync: { key: "bed", setSeries: false }, drag: { x: true, y: false, setScale: false }, points: { size: 6 }, y: false },
    legend: { show: false },
    scales: {
      x: { time: true, range: () => [latest.current.fromMs / 1000, latest.current.toMs / 1000] },
      y: { range: (_, low, high) => rangeOf(latest.current.shape.usual, low, high) },
    },
    axes: [
      { ...axis, show: true, size: hasAxis ? 28 : 6, values: (_, splits) => splits.map((s) => (hasAxis ? clockText(s * 1000).slice(0, 5) : "")) },
      { ...axis, size: 48, splits: (plot, _i, low, high) => splitsOf(low, high, plot.bbox.height / devicePixelRatio) },
    ],
    series: [
      {},
      { stroke: "transparent", points: { show: false }, ...paths },
      { stroke: "transparent", points: { show: false }, ...paths },
      { label: shape.label, stroke: line, width: 1.6, points: marks(line), value, ...paths },
    ],
    bands: [{ series: [2, 1], fill: ink(host, "--band") }],
    hooks: {
      drawClear: [(plot) => drawBehind(plot, latest.current)],
      setSelect: [(plot) => {
        if (plot.select.width < 6) return;
        const from = plot.posToVal(plot.select.left, "x");
        const to = plot.posToVal(plot.select.left + plot.select.width, "x");
        plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        latest.current.onZoom(from * 1000, to * 1000);
      }],
      setCursor: [(plot) => showCursor(plot, shape.signal)],
      ready: [(plot) => plot.over.addEventListener("dblclick", () => latest.current.onReset())],
    },
  };
}

/** A value that stands alone is no line: it is drawn as a point. */
function marks(line: string): uPlot.Series.Points {
  return { show: true, size: 5, stroke: line, fill: line, filter: (plot, series) => pointsOf(plot.data[series] as Column) };
}

/** Round values to be written beside the axis: as many as there is height for, and two where it can be. */
function splitsOf(low: number, high: number, heightPx: number): number[] {
  const rough = (high - low) / Math.max(1, heightPx / SPLIT_PX);
  const power = 10 ** Math.floor(Math.log10(rough));
  const steps = [0.5, 1, 2, 2.5, 5, 10].map((factor) => factor * power);
  const at = steps.findIndex((step) => step >= rough);
  const found = roundValues(low, high, steps[at] ?? rough);
  return found.length < 2 && at > 0 ? roundValues(low, high, steps[at - 1]!) : found;
}

function roundValues(low: number, high: number, step: number): number[] {
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(Number(at.toPrecision(10)));
  return found;
}

/** The value under the cursor, in the caption: a tooltip would cover the line. */
function showCursor(plot: uPlot, signal: string): void {
  const caption = plot.root.closest(".trend")?.querySelector(".trend-cursor");
  if (!caption) return;
  const index = plot.cursor.idx ?? null;
  const mean = index === null ? null : plot.data[3]![index];
  caption.textContent = index === null || mean === null || mean === undefined
    ? "" : `${clockText(plot.data[0][index]! * 1000)}  ${valueText(mean, signal)}`;
}

export function isEmpty(rows: readonly SeriesRow[] | null): boolean {
  return rows !== null && !rows.some((row) => Number.isFinite(row.mean));
}

function rangeWords({ rows, shape, problem }: TrendProps): string {
  if (problem) return problem;
  if (rows === null) return "loading";
  if (isEmpty(rows)) return "nothing recorded in this window";
  const known = rows.filter((row) => Number.isFinite(row.mean));
  const low = Math.min(...known.map((row) => row.min));
  const high = Math.max(...known.map((row) => row.max));
  const from = valueText(low, shape.signal);
  const to = valueText(high, shape.signal);
  return from === to ? `${to} ${shape.unit}` : `${from} to ${to} ${shape.unit}`;
}

export function TrendChart(props: TrendProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const shownTheme = theme();

  useEffect(() => {
    const made = new uPlot(optionsOf(host.current!, latest), columnsOf([]), host.current!);
    made.setData(columnsOf(latest.current.rows ?? [], props.shape.step !== undefined));
    plot.current = made;
    const watching = new ResizeObserver(() => {
      const width = host.current?.clientWidth ?? 0;
      if (width > 0 && width !== made.width) made.setSize({ width, height: made.height });
    });
    watching.observe(host.current!);
    return () => {
      watching.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shownTheme, props.hasAxis, props.shape]);

  useEffect(() => {
    plot.current?.setData(columnsOf(props.rows ?? [], props.shape.step !== undefined));
  }, [props.rows, props.fromMs, props.toMs, props.doses, props.alarms, props.boluses]);

  useEffect(() => {
    const made = plot.current;
    if (made && made.height !== heightOf(props)) made.setSize({ width: made.width, height: heightOf(props) });
  }, [props.height, props.hasAxis]);

  const words = rangeWords(props);
  const window = `${dayTimeText(props.fromMs)} to ${dayTimeText(props.toMs)}`;
  return (
    <figure class="trend" data-signal={props.shape.signal}>
      <figcaption class="trend-caption">
        <strong>{props.shape.label}</strong> {[words, props.remark].filter(Boolean).join(" · ")}<span class="trend-cursor" aria-hidden="true" />
      </figcaption>
      <div class="trend-plot" ref={host} role="img" aria-label={`${props.shape.label}: ${words}, ${window}`} />
    </figure>
  );
}
