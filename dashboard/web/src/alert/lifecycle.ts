import { HEALTH_STATES, PRIORITIES, type Alert, type Institution } from "@/api/contract";

/** Where an alert stands, in the words an operator acts on. */
export type Phase = "unacknowledged" | "acknowledged" | "returned" | "awaiting_reset" | "closed";

export function phaseOf(alert: Alert): Phase {
  if (!alert.open) return "closed";
  if (alert.active) return alert.acknowledged ? "acknowledged" : "unacknowledged";
  return alert.acknowledged ? "awaiting_reset" : "returned";
}

export function canAcknowledge(phase: Phase): boolean {
  return phase === "unacknowledged" || phase === "returned";
}

export function canReset(phase: Phase): boolean {
  return phase === "awaiting_reset";
}

/**
 * Whether an alert calls nobody at `atMs`. A quiet time that is over counts as over even before the server says so:
 * better heard once too often.
 */
export function isQuiet(alert: Pick<Alert, "quiet" | "quiet_until">, atMs: number): boolean {
  if (!alert.quiet) return false;
  return !alert.quiet_until || Date.parse(alert.quiet_until) > atMs;
}

/** A real alert that must be heard unless it is kept quiet: critical and not acknowledged, even when the cause has gone. */
export function isSounding(alert: Alert): boolean {
  return alert.priority === "critical" && !alert.acknowledged && !alert.drill;
}

/** Real ones first, then the worst; of equal priority the unacknowledged first, then the newest. */
export function compareAlerts(a: Alert, b: Alert): number {
  return (
    Number(a.drill ?? false) - Number(b.drill ?? false) ||
    PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) ||
    Number(a.acknowledged) - Number(b.acknowledged) ||
    Date.parse(b.raised_at) - Date.parse(a.raised_at) ||
    (a.id < b.id ? -1 : 1)
  );
}

/** Worst state first, then the one with the worst and most open alerts, then by code. */
export function compareInstitutions(a: Institution, b: Institution): number {
  const state = HEALTH_STATES.indexOf(a.state) - HEALTH_STATES.indexOf(b.state);
  if (state) return state;
  for (const priority of PRIORITIES) {
    const difference = b.open_alerts[priority] - a.open_alerts[priority];
    if (difference) return difference;
  }
  return a.code < b.code ? -1 : 1;
}
