/** One quantity of one device over time, as the chart draws it. Times rise; all arrays have the same length. */
export interface Samples {
  readonly atMs: readonly number[];
  readonly value: readonly number[];
  readonly low: readonly number[] | null;
  readonly high: readonly number[] | null;
}

/** A silence longer than this many usual steps breaks the line: nobody measured in between. */
const GAP_STEPS = 4;

/** Appends newer samples (older and repeated ones are dropped) and forgets what lies before `fromMs`. */
export function append(samples: Samples, atMs: readonly number[], value: readonly number[], fromMs: number): Samples {
  let last = samples.atMs.at(-1) ?? Number.NEGATIVE_INFINITY;
  const fresh: number[] = [];
  atMs.forEach((at, index) => {
    if (at <= last || value[index] === undefined) return;
    last = at;
    fresh.push(index);
  });
  const firstKept = samples.atMs.findIndex((at) => at >= fromMs);
  const start = firstKept < 0 ? samples.atMs.length : firstKept;
  const values = fresh.map((index) => value[index] as number);
  const joined = (old: readonly number[]): number[] => [...old.slice(start), ...values];
  return {
    atMs: [...samples.atMs.slice(start), ...fresh.map((index) => atMs[index] as number)],
    value: joined(samples.value),
    low: samples.low && joined(samples.low),
    high: samples.high && joined(samples.high),
  };
}

/** The usual time between two samples: their median, or 0 when there are fewer than two. */
export function usualStepMs(atMs: readonly number[]): number {
  const steps = atMs.slice(1).map((at, index) => at - (atMs[index] as number)).sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? 0;
}

export type LinePoint = [atMs: number, value: number | null];

/** Line points with an empty one in every silence longer than a few usual steps. */
export function lineWithGaps(atMs: readonly number[], value: readonly number[], stepMs: number): LinePoint[] {
  const gapMs = GAP_STEPS * Math.max(stepMs, usualStepMs(atMs));
  const points: LinePoint[] = [];
  atMs.forEach((at, index) => {
    const before = atMs[index - 1];
    if (before !== undefined && gapMs > 0 && at - before > gapMs) points.push([before + gapMs / 2, null]);
    points.push([at, value[index] ?? null]);
  });
  return points;
}
