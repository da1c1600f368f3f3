/** Rows `from` to `to` (the last not included) of a list. */
export interface Range {
  from: number;
  to: number;
}

/** Where each row begins (px from the top of the list), and as the last entry where the list ends. */
export function offsetsOf(heights: readonly number[]): Float64Array {
  const offsets = new Float64Array(heights.length + 1);
  heights.forEach((height, index) => (offsets[index + 1] = (offsets[index] ?? 0) + height));
  return offsets;
}

/** The last row that begins at or above `at` px. */
function rowAt(offsets: Float64Array, at: number): number {
  let low = 0;
  let high = offsets.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

/** The rows of which anything lies between `top` and `bottom` px, both from the top of the list. */
export function rangeOf(offsets: Float64Array, top: number, bottom: number): Range {
  const count = offsets.length - 1;
  const end = offsets[count] ?? 0;
  if (count <= 0) return { from: 0, to: 0 };
  const from = rowAt(offsets, Math.min(Math.max(0, top), end));
  const to = Math.min(count, rowAt(offsets, Math.min(Math.max(0, bottom), end)) + 1);
  return { from, to: Math.max(from + 1, to) };
}

/** A row that is drawn, and how much room (px) the rows that are not drawn need above it. */
export interface Drawn {
  index: number;
  gapPx: number;
}

/** The rows of `range` and the `pinned` one, in their order; and the room below the last. */
export function drawnOf(offsets: Float64Array, range: Range, pinned: number | null): { rows: Drawn[]; restPx: number } {
  const count = offsets.length - 1;
  const indices = Array.from({ length: Math.max(0, range.to - range.from) }, (_, at) => range.from + at);
  if (pinned !== null && pinned >= 0 && pinned < count) {
    if (pinned < range.from) indices.unshift(pinned);
    else if (pinned >= range.to) indices.push(pinned);
  }
  let endPx = 0;
  const rows = indices.map((index) => {
    const gapPx = (offsets[index] ?? 0) - endPx;
    endPx = offsets[index + 1] ?? 0;
    return { index, gapPx };
  });
  return { rows, restPx: (offsets[count] ?? 0) - endPx };
}
