import type { Alert, Institution, LiveFrame } from "@/api/contract";

/** How many closed alerts are remembered, so that a late frame can't open one again. */
const CLOSED_COUNT_MAX = 2000;

/** What the page knows from the live feed. Never changed in place. */
export interface LiveState {
  readonly synced: boolean;
  readonly cursor: number;
  readonly alerts: ReadonlyMap<string, Alert>;
  readonly closedVersions: ReadonlyMap<string, number>;
  readonly institutions: ReadonlyMap<number, Institution>;
  /** Null until the first heartbeat. */
  readonly pipelineAlive: boolean | null;
}

export const EMPTY: LiveState = {
  synced: false,
  cursor: 0,
  alerts: new Map(),
  closedVersions: new Map(),
  institutions: new Map(),
  pipelineAlive: null,
};

/** The highest version of this alert the page has seen, open or closed; -1 when it never saw it. */
export function versionSeen(state: LiveState, id: string): number {
  return Math.max(state.alerts.get(id)?.version ?? -1, state.closedVersions.get(id) ?? -1);
}

/** Takes in one alert; an older or equal version changes nothing. */
export function adoptAlert(state: LiveState, alert: Alert): LiveState {
  if (alert.version <= versionSeen(state, alert.id)) return state;
  const alerts = new Map(state.alerts);
  const closedVersions = new Map(state.closedVersions);
  if (alert.open) {
    alerts.set(alert.id, alert);
    closedVersions.delete(alert.id);
  } else {
    alerts.delete(alert.id);
    closedVersions.delete(alert.id);
    closedVersions.set(alert.id, alert.version);
    for (const id of closedVersions.keys()) {
      if (closedVersions.size <= CLOSED_COUNT_MAX) break;
      closedVersions.delete(id);
    }
  }
  return { ...state, alerts, closedVersions };
}

/**
 * A snapshot replaces what is known, except where the page has seen a newer version already: the answer to the
 * operator's own click may overtake the snapshot of a reconnect.
 */
function applySnapshot(state: LiveState, cursor: number, open: Alert[], all: Institution[]): LiveState {
  const alerts = new Map<string, Alert>();
  for (const alert of open) {
    const known = state.alerts.get(alert.id);
    if ((state.closedVersions.get(alert.id) ?? -1) >= alert.version) continue;
    alerts.set(alert.id, known && known.version > alert.version ? known : alert);
  }
  const institutions = new Map(all.map((institution) => [institution.id, institution]));
  return { ...state, synced: true, cursor, alerts, institutions };
}

/** The whole page state after one frame from the server. Readings belong to charts and change nothing here. */
export function applyFrame(state: LiveState, frame: LiveFrame): LiveState {
  switch (frame.type) {
    case "snapshot":
      return applySnapshot(state, frame.cursor, frame.alerts, frame.institutions);
    case "alert": {
      const next = adoptAlert(state, frame.alert);
      if (frame.cursor <= state.cursor) return next;
      const institutions = new Map(state.institutions);
      institutions.set(frame.institution.id, { ...institutions.get(frame.institution.id), ...frame.institution });
      return { ...next, cursor: frame.cursor, institutions };
    }
    case "heartbeat":
      return state.pipelineAlive === frame.pipeline_alive ? state : { ...state, pipelineAlive: frame.pipeline_alive };
    case "readings":
      return state;
  }
}
