/* A trend drawn on a canvas: the mean as a line, minimum to maximum as a band, nothing where nothing was measured. */

import { el } from "./dom.js";
import { instantMs, minuteText, signalName, unitText, valueText } from "./format.js";

const LEFT = 44;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 22;
/** Range shown at least, so that noise does not fill the height. */
const USUAL = { map: [50, 100], hr: [60, 120], spo2: [85, 100] };
/** A pause longer than this many of the usual distances between points is a hole, and is not drawn over. */
const HOLE = 3;

function niceStep(span) {
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

function usualDistance(points) {
  const distances = points.slice(1).map((point, index) => point.t - points[index].t).sort((a, b) => a - b);
  return distances[Math.floor(distances.length / 2)] ?? 0;
}

/** Points without a hole between them, run by run. */
export function runsOf(points) {
  const limit = usualDistance(points) * HOLE;
  const runs = [];
  for (const point of points) {
    const run = runs.at(-1);
    if (run && point.t - run.at(-1).t <= limit) run.push(point);
    else runs.push([point]);
  }
  return runs;
}

export class Trend {
  #signal;
  #canvas = el("canvas", "trend-canvas");
  #caption = el("figcaption", "trend-caption");
  #points = [];
  #window = [0, 1];

  constructor(signal) {
    this.#signal = signal;
    this.#canvas.setAttribute("role", "img");
    this.node = el("figure", "trend", this.#caption, this.#canvas);
    this.#say("loading");
  }

  /** Shows rows `{t,min,mean,max,n}` of a window. */
  show(rows, fromMs, toMs, unit) {
    this.#points = rows.map((row) => ({ ...row, t: instantMs(row.t) })).filter((row) => Number.isFinite(row.mean));
    this.#window = [fromMs, toMs];
    const low = Math.min(...this.#points.map((point) => point.min));
    const high = Math.max(...this.#points.map((point) => point.max));
    const range = `${valueText(low, this.#signal)} to ${valueText(high, this.#signal)} ${unitText(unit)}`;
    this.#say(this.#points.length > 0 ? range : "nothing recorded in this window");
    this.draw();
  }

  fail(words) {
    this.#points = [];
    this.#say(words);
    this.draw();
  }

  #say(words) {
    this.#caption.replaceChildren(el("strong", "", signalName(this.#signal)), ` ${words}`);
    this.#canvas.setAttribute("aria-label", `${signalName(this.#signal)}: ${words}`);
  }

  #range() {
    const [usualLow, usualHigh] = USUAL[this.#signal] ?? [Infinity, -Infinity];
    const low = Math.min(usualLow, ...this.#points.map((point) => point.min));
    const high = Math.max(usualHigh, ...this.#points.map((point) => point.max));
    const step = niceStep(Math.max(high - low, 1));
    return { low: Math.floor(low / step) * step, high: Math.ceil(high / step) * step, step };
  }

  draw() {
    const width = this.#canvas.clientWidth;
    const height = this.#canvas.clientHeight;
    if (width === 0) return;
    const density = window.devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * density);
    this.#canvas.height = Math.round(height * density);
    const pen = this.#canvas.getContext("2d");
    pen.scale(density, density);
    const range = this.#range();
    const [from, to] = this.#window;
    const x = (ms) => LEFT + ((ms - from) / (to - from)) * (width - LEFT - RIGHT);
    const y = (value) => TOP + (1 - (value - range.low) / (range.high - range.low)) * (height - TOP - BOTTOM);
    this.#drawAxes(pen, range, x, y, width, height);
    for (const run of runsOf(this.#points)) this.#drawRun(pen, run, x, y);
  }

  #ink(name) {
    return getComputedStyle(this.#canvas).getPropertyValue(name).trim();
  }

  #drawAxes(pen, range, x, y, width, height) {
    pen.font = `12px ${getComputedStyle(this.#canvas).fontFamily}`;
    pen.fillStyle = this.#ink("--dim");
    pen.strokeStyle = this.#ink("--line");
    pen.lineWidth = 1;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    for (let value = range.low; value <= range.high + range.step / 2; value += range.step) {
      pen.strokeRect(LEFT, Math.round(y(value)) + 0.5, width - LEFT - RIGHT, 0);
      pen.fillText(String(Number(value.toPrecision(6))), LEFT - 8, y(value));
    }
    pen.textBaseline = "alphabetic";
    const [from, to] = this.#window;
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      pen.textAlign = share === 0 ? "left" : share === 1 ? "right" : "center";
      const at = from + (to - from) * share;
      pen.fillText(minuteText(at), x(at), height - 5);
    }
  }

  #drawRun(pen, run, x, y) {
    pen.fillStyle = this.#ink("--band");
    pen.beginPath();
    for (const point of run) pen.lineTo(x(point.t), y(point.max) - 0.5);
    for (const point of [...run].reverse()) pen.lineTo(x(point.t), y(point.min) + 0.5);
    pen.closePath();
    pen.fill();
    pen.strokeStyle = this.#ink("--text");
    pen.lineWidth = 1.6;
    pen.lineJoin = "round";
    pen.beginPath();
    for (const point of run) pen.lineTo(x(point.t), y(point.mean));
    pen.stroke();
    if (run.length === 1) {
      pen.fillStyle = this.#ink("--text");
      pen.fillRect(x(run[0].t) - 1.5, y(run[0].mean) - 1.5, 3, 3);
    }
  }
}
