import type { ComposeOption } from "echarts/core";
import type { LineSeriesOption } from "echarts/charts";
import type { AriaComponentOption, GridComponentOption, TooltipComponentOption } from "echarts/components";
import { significant } from "@/format/number";
import { formatTime } from "@/format/time";
import { formatValue, isBinary, isTriggered } from "@/format/value";
import { lineWithGaps, type Samples } from "./samples";

export type ChartOption = ComposeOption<
  LineSeriesOption | AriaComponentOption | GridComponentOption | TooltipComponentOption
>;

export interface ChartInput {
  quantity: string;
  unit: string;
  samples: Samples;
  fromMs: number;
  toMs: number;
  /** How often the device reports. */
  stepMs: number;
  threshold: number | null;
  thresholdLabel: string;
  /** Vertical lines: what happened when. */
  marks: readonly { atMs: number; label: string }[];
  colours: { line: string; band: string; ink: string; grid: string; alarm: string };
  font: string;
  fontSizePx: number;
}

const DAY_MS = 86_400_000;
/** Longer windows have days on their axis, without the time of day. */
const DATES_MS = 14 * DAY_MS;
/** The part of the chart's width that the words of a mark need. */
const LABEL_SHARE = 0.12;

/** Low and high as a thin line with a filled one stacked on it; the lines keep a peak of one reading visible in a year. */
function bandSeries(input: ChartInput): LineSeriesOption[] {
  const { samples, stepMs, colours } = input;
  if (!samples.low || !samples.high || isBinary(input.quantity)) return [];
  const { low, high } = samples;
  const height = high.map((value, index) => value - (low[index] ?? value));
  const base: LineSeriesOption = {
    type: "line", stack: "band", stackStrategy: "all", symbol: "none", silent: true,
    lineStyle: { color: colours.band, width: 1, opacity: 0.6 },
    tooltip: { show: false }, animation: false,
  };
  return [
    { ...base, data: lineWithGaps(samples.atMs, low, stepMs) },
    { ...base, data: lineWithGaps(samples.atMs, height, stepMs), areaStyle: { color: colours.band, opacity: 0.28 } },
  ];
}

/** The curve: means where it is thinned. Of what is either on or off a mean would hide that it was triggered for a moment. */
function curve({ samples, quantity }: ChartInput): readonly number[] {
  if (!isBinary(quantity)) return samples.value;
  return (isTriggered(quantity, 0) ? samples.low : samples.high) ?? samples.value;
}

/** What the pointer is at: the value, and from where to where it went in what the point stands for. */
function told(input: ChartInput, atMs: number, value: number): string {
  const { samples, quantity, unit } = input;
  const index = samples.atMs.indexOf(atMs);
  const [low, high] = [samples.low?.[index], samples.high?.[index]];
  const lines = [formatTime(atMs, "full"), `<b>${formatValue(quantity, value, unit)}</b>`];
  if (low !== undefined && high !== undefined && low !== high && !isBinary(quantity)) {
    lines.push(`${formatValue(quantity, low, unit)} – ${formatValue(quantity, high, unit)}`);
  }
  return lines.join("<br>");
}

/** The marks in the window; one too close to the label before it keeps its line and loses its words. */
function spacedMarks({ marks, fromMs, toMs }: ChartInput): { atMs: number; label: string }[] {
  let labelledMs = Number.NEGATIVE_INFINITY;
  return marks
    .filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
    .map(({ atMs, label }) => {
      if (atMs - labelledMs < (toMs - fromMs) * LABEL_SHARE) return { atMs, label: "" };
      labelledMs = atMs;
      return { atMs, label };
    });
}

function valueSeries(input: ChartInput): LineSeriesOption {
  const { samples, colours } = input;
  const threshold = input.threshold === null ? [] : [
    {
      yAxis: input.threshold,
      lineStyle: { color: colours.alarm, type: "dashed" as const, width: 1.5 },
      label: { formatter: input.thresholdLabel, position: "insideStartTop" as const, color: colours.alarm },
    },
  ];
  const marks = spacedMarks(input).map(({ atMs, label }) => ({
    xAxis: atMs,
    lineStyle: { color: colours.ink, type: "solid" as const, width: 1 },
    label: { show: label !== "", formatter: label, position: "end" as const, color: colours.ink, distance: 4 },
  }));
  return {
    type: "line",
    data: lineWithGaps(samples.atMs, curve(input), input.stepMs),
    step: isBinary(input.quantity) ? "end" : false,
    symbol: "circle",
    symbolSize: 4,
    showSymbol: samples.atMs.length < 3,
    lineStyle: { color: colours.line, width: 1.8 },
    itemStyle: { color: colours.line },
    animation: false,
    markLine: { symbol: "none", silent: true, animation: false, data: [...threshold, ...marks] },
  };
}

/** The ends of the value axis: what the quantity allows, and up to the threshold, or the reader can't see how far away it is. */
function valueRange({ quantity, unit, threshold, samples }: ChartInput): { min?: number; max?: number; interval?: number } {
  if (isBinary(quantity)) return { min: 0, max: 1 };
  if (unit === "%" || unit === "%RH") return { min: 0, max: 100, interval: 25 };
  const highest = Math.max(...(samples.high ?? samples.value), Number.NEGATIVE_INFINITY);
  return threshold !== null && highest < threshold ? { max: Number(significant(threshold * 1.15)) } : {};
}

/** Everything ECharts needs to draw one quantity. */
export function chartOption(input: ChartInput): ChartOption {
  const { colours, quantity, unit } = input;
  const binary = isBinary(quantity);
  const text = { color: colours.ink, fontFamily: input.font, fontSize: input.fontSizePx };
  const spanMs = input.toMs - input.fromMs;
  const part = spanMs > DATES_MS ? "date" : spanMs > DAY_MS ? "day" : "minute";
  return {
    aria: { enabled: false },
    textStyle: { fontFamily: input.font },
    grid: { left: 52 + 4 * (input.fontSizePx - 12), right: input.marks.length ? 40 : 14, top: input.marks.length ? 24 : 14, bottom: 24 },
    tooltip: {
      trigger: "axis",
      transitionDuration: 0,
      formatter: (items) => {
        const list = Array.isArray(items) ? items : [items];
        const point = list.find((item) => item.seriesIndex === list.at(-1)?.seriesIndex)?.value as [number, number | null] | undefined;
        if (!point || point[1] === null) return "";
        return told(input, point[0], point[1]);
      },
    },
    xAxis: {
      type: "time", min: input.fromMs, max: input.toMs, splitNumber: 5,
      axisLabel: { ...text, hideOverlap: true, formatter: (at: number) => formatTime(at, part) },
      axisLine: { lineStyle: { color: colours.grid } },
      axisTick: { lineStyle: { color: colours.grid } },
    },
    yAxis: {
      type: "value", scale: true, ...valueRange(input), splitNumber: binary ? 1 : 3, minInterval: binary ? 1 : undefined,
      axisLabel: { ...text, formatter: (value: number) => (binary ? formatValue(quantity, value, unit) : significant(value)) },
      splitLine: { lineStyle: { color: colours.grid } },
    },
    series: [...bandSeries(input), valueSeries(input)],
  };
}
