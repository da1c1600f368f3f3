import { expect, it } from "vitest";
import { chartOption, type ChartInput } from "./option";

const THINNED = { atMs: [1000, 2000, 3000], value: [0.25, 0, 20.5], low: [0, 0, 20], high: [1, 0, 95] };

function input(quantity: string): ChartInput {
  return {
    quantity, unit: "1", samples: THINNED, fromMs: 0, toMs: 4000, stepMs: 1000, threshold: null, thresholdLabel: "", marks: [],
    colours: { line: "a", band: "b", ink: "c", grid: "d", alarm: "e" }, font: "f", fontSizePx: 12,
  };
}

function series(quantity: string): unknown[] {
  const found = chartOption(input(quantity)).series;
  return (Array.isArray(found) ? found : [found]).map((each) => each?.data);
}

it("shows that something was on, however short", () => {
  expect(series("sos")).toEqual([[[1000, 1], [2000, 0], [3000, 95]]]);
  expect(series("occupancy")).toEqual([[[1000, 1], [2000, 0], [3000, 95]]]);
  expect(series("mains_power")).toEqual([[[1000, 0], [2000, 0], [3000, 20]]]); // there, 0 is what matters
});

it("draws lowest and highest as a band around the mean", () => {
  expect(series("temperature")).toEqual([
    [[1000, 0], [2000, 0], [3000, 20]],
    [[1000, 1], [2000, 0], [3000, 75]],
    [[1000, 0.25], [2000, 0], [3000, 20.5]],
  ]);
});

it("tells from where to where it went", () => {
  const { tooltip } = chartOption(input("temperature"));
  const formatter = (Array.isArray(tooltip) ? tooltip[0] : tooltip)?.formatter;
  if (typeof formatter !== "function") throw new Error("the tooltip has a formatter");
  const told = (value: [number, number]) => String(formatter([{ seriesIndex: 2, value }] as never, ""));
  expect(told([3000, 20.5])).toMatch(/20\.5.*<br>20.* – 95/u);
  expect(told([2000, 0])).not.toContain("–");
});
