/* How many columns, and which drawing of a sector: the arrangement in which the sectors come out largest. Pure but for
 * `arrange`. */

/** A sector's drawing: its proportions in CSS pixels at scale 1 (station.css). */
interface Shape {
  name: "tall" | "wide";
  width: number;
  height: number;
}

const SHAPES: readonly Shape[] = [
  { name: "tall", width: 300, height: 312 },
  { name: "wide", width: 400, height: 262 },
];
/** Below this scale the numerals are too small for a wall: the ward scrolls instead. */
const SMALLEST = 0.66;
/** Above this a single bed is a poster. */
const LARGEST = 4.4;
/** A sector may be this much wider or higher than it was drawn. */
const STRETCH = 1.35;
const SCROLLED = 1.15;
const GAP = 8;
const MOST_COLUMNS = 12;

export interface Arrangement {
  shape: "tall" | "wide";
  columns: number;
  rows: number;
  scale: number;
  sectorWidth: number;
  sectorHeight: number;
}

/** Columns, rows and size of sectors for `count` beds in a space of `width` x `height` CSS pixels. */
export function arrangement(count: number, width: number, height: number): Arrangement {
  let best: Arrangement | null = null;
  for (const shape of SHAPES) {
    for (let columns = 1; columns <= Math.min(count, MOST_COLUMNS); columns += 1) {
      const rows = Math.ceil(count / columns);
      const sectorWidth = (width - GAP * (columns - 1)) / columns;
      const sectorHeight = (height - GAP * (rows - 1)) / rows;
      const scale = Math.min(sectorWidth / shape.width, sectorHeight / shape.height);
      if (best === null || scale > best.scale + 0.001) {
        best = { shape: shape.name, columns, rows, scale, sectorWidth, sectorHeight };
      }
    }
  }
  if (best === null || best.scale < SMALLEST) return scrolled(count, width);
  const drawn = SHAPES.find((shape) => shape.name === best.shape) ?? SHAPES[0]!;
  const scale = Math.min(best.scale, LARGEST);
  return {
    ...best, scale,
    sectorWidth: Math.min(best.sectorWidth, drawn.width * scale * STRETCH),
    sectorHeight: Math.min(best.sectorHeight, drawn.height * scale * STRETCH),
  };
}

function scrolled(count: number, width: number): Arrangement {
  const drawn = SHAPES[0]!;
  const columns = Math.max(1, Math.min(count, Math.floor((width + GAP) / (drawn.width * SCROLLED + GAP))));
  const sectorWidth = (width - GAP * (columns - 1)) / columns;
  const scale = sectorWidth / drawn.width;
  return { shape: drawn.name, columns, rows: Math.ceil(count / columns), scale, sectorWidth, sectorHeight: drawn.height * scale };
}

/** Lays the ward out; call it when the number of beds or the space changes. */
export function arrange(ward: HTMLElement, count: number): void {
  if (count === 0 || ward.clientWidth === 0) return;
  const style = getComputedStyle(ward);
  const width = ward.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const height = ward.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const { shape, columns, sectorWidth, sectorHeight } = arrangement(count, width, height);
  ward.dataset.shape = shape;
  ward.style.setProperty("grid-template-columns", `repeat(${columns}, ${Math.floor(sectorWidth)}px)`);
  ward.style.setProperty("grid-auto-rows", `${Math.floor(sectorHeight)}px`);
}
