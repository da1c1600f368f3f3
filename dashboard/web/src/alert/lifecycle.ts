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

/** Where an alert stands in the list: a lower rank comes first, then the later time. */
interface Place {
  rank: number;
  raisedMs: number;
}

/** An alert is never changed in place, so its place is worked out once: to sort 10,000 takes some 130,000 comparisons. */
const places = new WeakMap<Alert, Place>();

function placeOf(alert: Alert): Place {
  let place = places.get(alert);
  if (!place) {
    const drill = alert.drill ? 2 * PRIORITIES.length : 0;
    const rank = drill + 2 * PRIORITIES.indexOf(alert.priority) + Number(alert.acknowledged);
    place = { rank, raisedMs: Date.parse(alert.raised_at) };
    places.set(alert, place);
  }
  return place;
}

/** Real ones first, then the worst; of equal priority the unacknowledged first, then the newest. */
export function compareAlerts(a: Alert, b: Alert): number {
  const [one, other] = [placeOf(a), placeOf(b)];
  return one.rank - other.rank || other.raisedMs - one.raisedMs || (a.id < b.id ? -1 : 1);
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
