import { expect, it } from "vitest";
import { append, lineWithGaps, usualStepMs, type Samples } from "./samples";

const SAMPLES: Samples = { atMs: [10, 20, 30], value: [1, 2, 3], low: null, high: null };

it("appends only newer samples", () => {
  expect(append(SAMPLES, [20, 30, 40], [9, 9, 4], 0)).toMatchObject({ atMs: [10, 20, 30, 40], value: [1, 2, 3, 4] });
});

it("forgets what has left the window", () => {
  expect(append(SAMPLES, [40], [4], 25)).toMatchObject({ atMs: [30, 40], value: [3, 4] });
  expect(append(SAMPLES, [90], [4], 80)).toMatchObject({ atMs: [90], value: [4] });
});

it("gives a live sample a band of no height", () => {
  const banded = append({ ...SAMPLES, low: [0, 1, 2], high: [2, 3, 4] }, [40], [7], 0);
  expect(banded).toMatchObject({ low: [0, 1, 2, 7], high: [2, 3, 4, 7] });
});

it("knows the usual step", () => {
  expect(usualStepMs([0, 10, 20, 90])).toBe(10);
  expect(usualStepMs([5])).toBe(0);
});

it("breaks the line in a silence, by the data's own step or the device's, whichever is longer", () => {
  expect(lineWithGaps([0, 10, 20, 100], [1, 2, 3, 4], 0)).toEqual([[0, 1], [10, 2], [20, 3], [40, null], [100, 4]]);
  expect(lineWithGaps([0, 10, 20, 100], [1, 2, 3, 4], 30)).toHaveLength(4);
});
