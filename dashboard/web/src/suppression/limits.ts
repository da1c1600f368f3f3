import type { AlertKind } from "@/api/contract";
import type { Means } from "@/api/suppressions";

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** Alarms about a life: the server lets nobody shelve them for long. */
const LIFE_SAFETY: readonly AlertKind[] = ["fire", "gas", "co", "fall", "sos"];

export const SPANS_S = [10 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S] as const;

/** The longest that such alarms may be kept quiet in one go; the server has the last word. */
export function spanMaxS(means: Means, kind: AlertKind | null): number {
  if (means !== "shelve") return 30 * DAY_S;
  return kind !== null && !LIFE_SAFETY.includes(kind) ? DAY_S : 30 * MINUTE_S;
}

/** The lengths worth offering. */
export function spansS(means: Means, kind: AlertKind | null): number[] {
  const maxS = spanMaxS(means, kind);
  return SPANS_S.filter((each) => each <= maxS);
}

/** A local time as an input writes it ("2026-11-22T09:30"), read as Beijing time whatever the computer is set to. */
export function beijingMs(text: string): number {
  return Date.parse(`${text}:00+08:00`);
}
