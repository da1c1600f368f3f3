import type { DutyTurn } from "@/api/rotations";
import { formatTime } from "@/format/time";

const DAY_MS = 86_400_000;

export interface DayEntry {
  turn: DutyTurn;
  /** "08:00"; "00:00" where the turn goes on from the day before, null for the one that is going on. */
  from: string | null;
}

export interface Day {
  /** "2026-11-27" in China. */
  date: string;
  entries: DayEntry[];
}

/** The turns of each day in China from `fromMs` on; one that lasts over midnight is on both days. */
export function daysOf(turns: readonly DutyTurn[], fromMs: number, count: number): Day[] {
  return Array.from({ length: count }, (_, number) => {
    const date = formatTime(fromMs + number * DAY_MS, "full").slice(0, 10);
    const beginMs = Date.parse(`${date}T00:00:00+08:00`);
    const entries = turns
      .filter((turn) => Date.parse(turn.from_at) < beginMs + DAY_MS && Date.parse(turn.until_at) > beginMs)
      .map((turn) => ({
        turn,
        from: Date.parse(turn.from_at) <= fromMs && number === 0 ? null : formatTime(Math.max(beginMs, Date.parse(turn.from_at)), "minute"),
      }));
    return { date, entries };
  });
}

/** The turn at a moment; the first one where none is, for the clocks of a page and its server differ a little. */
export function turnAt(turns: readonly DutyTurn[], atMs: number): DutyTurn | null {
  return turns.find((turn) => Date.parse(turn.from_at) <= atMs && atMs < Date.parse(turn.until_at)) ?? turns[0] ?? null;
}
