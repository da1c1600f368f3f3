import type { DutyCheck } from "@/api/dutyChecks";

/** The checks that the desk of an institution has to answer at `atMs`: nobody else can say that somebody is there. */
export function answerable(checks: readonly DutyCheck[], institutionId: number | null, atMs: number): DutyCheck[] {
  return checks.filter(
    (check) => check.state === "open" && check.institution.id === institutionId && Date.parse(check.due_at) > atMs,
  );
}

/** "9:05": what is left of a countdown, never below zero. */
export function countdown(dueAt: string, atMs: number): string {
  const leftS = Math.max(0, Math.floor((Date.parse(dueAt) - atMs) / 1000));
  return `${Math.floor(leftS / 60)}:${String(leftS % 60).padStart(2, "0")}`;
}

/** How long the desk took (ms); null where it has not answered. */
export function tookMs(check: DutyCheck): number | null {
  return check.answered_at ? Date.parse(check.answered_at) - Date.parse(check.called_at) : null;
}
