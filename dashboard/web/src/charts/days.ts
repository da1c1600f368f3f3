import type { BarSeriesOption } from "echarts/charts";
import type { AriaComponentOption, GridComponentOption, TooltipComponentOption } from "echarts/components";
import type { ComposeOption } from "echarts/core";

export type DaysOption = ComposeOption<BarSeriesOption | AriaComponentOption | GridComponentOption | TooltipComponentOption>;

/** One sort of what is counted, from the bottom of the bars up. */
export interface Stack {
  name: string;
  colour: string;
  /** One for each day. */
  counts: readonly number[];
}

export interface DaysInput {
  /** "2026-11-28", rising. */
  days: readonly string[];
  stacks: readonly Stack[];
  ink: string;
  grid: string;
  font: string;
  size: number;
}

/** Bars of a day each, the sorts on top of each other. */
export function daysOption(input: DaysInput): DaysOption {
  const text = { color: input.ink, fontSize: input.size };
  return {
    aria: { enabled: false },
    animation: false,
    textStyle: { fontFamily: input.font },
    grid: { left: 4, right: 4, top: 8, bottom: 0, containLabel: true },
    tooltip: { trigger: "axis", transitionDuration: 0 },
    xAxis: {
      type: "category", data: input.days.map((day) => day.slice(5)),
      axisLabel: { ...text, hideOverlap: true }, axisTick: { show: false }, axisLine: { lineStyle: { color: input.grid } },
    },
    yAxis: { type: "value", minInterval: 1, splitNumber: 2, axisLabel: text, splitLine: { lineStyle: { color: input.grid } } },
    series: input.stacks.map(({ name, colour, counts }) => ({
      type: "bar", stack: "day", name, data: [...counts], barCategoryGap: "22%", itemStyle: { color: colour },
    })),
  };
}
