/* How many columns: the arrangement in which the sectors come out largest. Pure but for `arrange`. */

/** Proportions a sector is drawn for, in CSS pixels at scale 1 (station.css). */
const WIDTH = 300;
const HEIGHT = 216;
/** Below this scale the numerals are too small for a wall: the ward scrolls instead. */
const SMALLEST = 0.7;
/** Above this a single bed is a poster. */
const LARGEST = 4.4;
/** A sector may be this much wider or higher than it was drawn. */
const STRETCH = 1.35;
const SCROLLED = 1.15;
const GAP = 8;
const MOST_COLUMNS = 12;

/** Columns, rows and size of sectors for `count` beds in a space of `width` x `height` CSS pixels. */
export function arrangement(count, width, height) {
  let best = null;
  for (let columns = 1; columns <= Math.min(count, MOST_COLUMNS); columns += 1) {
    const rows = Math.ceil(count / columns);
    const sectorWidth = (width - GAP * (columns - 1)) / columns;
    const sectorHeight = (height - GAP * (rows - 1)) / rows;
    const scale = Math.min(sectorWidth / WIDTH, sectorHeight / HEIGHT);
    if (best === null || scale > best.scale + 0.001) best = { columns, rows, scale, sectorWidth, sectorHeight };
  }
  if (best.scale < SMALLEST) return scrolled(count, width);
  const scale = Math.min(best.scale, LARGEST);
  return {
    ...best, scale,
    sectorWidth: Math.min(best.sectorWidth, WIDTH * scale * STRETCH),
    sectorHeight: Math.min(best.sectorHeight, HEIGHT * scale * STRETCH),
  };
}

function scrolled(count, width) {
  const columns = Math.max(1, Math.min(count, Math.floor((width + GAP) / (WIDTH * SCROLLED + GAP))));
  const sectorWidth = (width - GAP * (columns - 1)) / columns;
  const scale = sectorWidth / WIDTH;
  return { columns, rows: Math.ceil(count / columns), scale, sectorWidth, sectorHeight: HEIGHT * scale };
}

/** Lays the ward out; call it when the number of beds or the space changes. */
export function arrange(ward, count) {
  if (count === 0) return;
  const style = getComputedStyle(ward);
  const width = ward.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const height = ward.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const { columns, sectorWidth, sectorHeight } = arrangement(count, width, height);
  ward.style.setProperty("grid-template-columns", `repeat(${columns}, ${Math.floor(sectorWidth)}px)`);
  ward.style.setProperty("grid-auto-rows", `${Math.floor(sectorHeight)}px`);
}
