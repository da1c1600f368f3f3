import { expect, it } from "vitest";
import { drawnOf, offsetsOf, rangeOf } from "./window";

const offsets = offsetsOf([10, 20, 30, 40]);

it("knows where rows begin and the list ends", () => {
  expect([...offsets]).toEqual([0, 10, 30, 60, 100]);
  expect([...offsetsOf([])]).toEqual([0]);
});

it.each([
  [0, 5, 0, 1],
  [0, 10, 0, 2],
  [9, 9, 0, 1],
  [10, 59, 1, 3],
  [35, 70, 2, 4],
  [-500, 5, 0, 1],
  [-500, -400, 0, 1],
  [900, 1_000, 3, 4],
  [-50, 1_000, 0, 4],
])("between %i and %i px are rows %i to %i", (top, bottom, from, to) => {
  expect(rangeOf(offsets, top, bottom)).toEqual({ from, to });
});

it("shows nothing of nothing", () => {
  expect(rangeOf(offsetsOf([]), 0, 100)).toEqual({ from: 0, to: 0 });
  expect(drawnOf(offsetsOf([]), { from: 0, to: 0 }, 3)).toEqual({ rows: [], restPx: 0 });
});

it.each([null, 0, 1, 2, 3] as const)("keeps the list as high as all its rows, with row %s pinned", (pinned) => {
  for (const range of [{ from: 0, to: 1 }, { from: 1, to: 3 }, { from: 3, to: 4 }, { from: 0, to: 4 }]) {
    const { rows, restPx } = drawnOf(offsets, range, pinned);
    const heights = [10, 20, 30, 40];
    const total = rows.reduce((sum, { index, gapPx }) => sum + gapPx + (heights[index] ?? 0), restPx);
    expect(total).toBe(100);
    const indices = rows.map(({ index }) => index);
    expect(indices).toEqual([...indices].sort((a, b) => a - b));
    expect(new Set(indices).size).toBe(indices.length);
    if (pinned !== null) expect(indices).toContain(pinned);
  }
});

it("finds the window among 10,000 rows", () => {
  const many = offsetsOf(Array.from({ length: 10_000 }, () => 92));
  expect(rangeOf(many, 92 * 5_000, 92 * 5_000 + 900)).toEqual({ from: 5_000, to: 5_010 });
});
