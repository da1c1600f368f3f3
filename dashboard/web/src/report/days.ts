import type { Kind } from "@/api/reports";

export interface Days {
  from: string;
  to: string;
}

/** "2026-11-30": the last day of a month counted from zero, which may run over the year's end. */
function lastOf(year: number, month: number): string {
  return new Date(Date.UTC(year, month + 1, 0)).toISOString().slice(0, 10);
}

/** The calendar month that lies `back` months before that of `today` ("2026-11-27"). */
export function month(today: string, back: number): Days {
  const last = lastOf(Number(today.slice(0, 4)), Number(today.slice(5, 7)) - 1 - back);
  return { from: `${last.slice(0, 8)}01`, to: last };
}

/** The year that lies `back` years before that of `today`. */
export function year(today: string, back: number): Days {
  const name = String(Number(today.slice(0, 4)) - back);
  return { from: `${name}-01-01`, to: `${name}-12-31` };
}

/** What a report shows before somebody has chosen days. */
export function usual(kind: Kind, today: string): Days {
  return kind === "year" ? year(today, 0) : month(today, 0);
}
