import type { Evidence } from "@/api/contract";

/** A horizontal line in the chart of one quantity; `unit` is the unit it is meant in. */
export interface Threshold {
  quantity: string;
  unit: string;
  value: number;
}

/** The threshold an alert was judged by, where there is one. */
export function drawnThreshold(evidence: Evidence | undefined): Threshold | null {
  const { quantity, unit, threshold } = evidence ?? {};
  if (!quantity || typeof unit !== "string" || typeof threshold !== "number") return null;
  return { quantity, unit, value: threshold };
}
