import type { Alert, Institution, LiveFrame, QuietFrame, SnapshotFrame } from "@/api/contract";
import type { Drill } from "@/api/drills";
import type { DutyCheck } from "@/api/dutyChecks";

/** How many closed alerts are remembered, so that a late frame can't open one again. */
const CLOSED_COUNT_MAX = 2000;
/** How many duty checks and drills are remembered, the newest. */
const RECENT_COUNT_MAX = 200;

/** What the page knows from the live feed. Never changed in place. */
export interface LiveState {
  readonly synced: boolean;
  readonly cursor: number;
  readonly alerts: ReadonlyMap<string, Alert>;
  readonly closedVersions: ReadonlyMap<string, number>;
  readonly institutions: ReadonlyMap<number, Institution>;
  readonly dutyChecks: ReadonlyMap<number, DutyCheck>;
  readonly drills: ReadonlyMap<string, Drill>;
  /** Null until the first heartbeat. */
  readonly pipelineAlive: boolean | null;
  readonly databaseAway: boolean;
}

export const EMPTY: LiveState = {
  synced: false,
  cursor: 0,
  alerts: new Map(),
  closedVersions: new Map(),
  institutions: new Map(),
  dutyChecks: new Map(),
  drills: new Map(),
  pipelineAlive: null,
  databaseAway: false,
};

/** The highest version of this alert the page has seen, open or closed; -1 when it never saw it. */
export function versionSeen(state: LiveState, id: string): number {
  return Math.max(state.alerts.get(id)?.version ?? -1, state.closedVersions.get(id) ?? -1);
}

/** Whether only what keeps an open alert quiet has changed, which is no event and so leaves its version as it was. */
function quietChanged(state: LiveState, alert: Alert): boolean {
  const known = state.alerts.get(alert.id);
  if (!known || !alert.open || known.version !== alert.version) return false;
  return known.quiet !== alert.quiet || known.quiet_until !== alert.quiet_until;
}

/** Takes in one alert; an older version changes nothing, an equal one only what keeps the alert quiet. */
export function adoptAlert(state: LiveState, alert: Alert): LiveState {
  if (alert.version <= versionSeen(state, alert.id) && !quietChanged(state, alert)) return state;
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

/** Takes in which open alerts fell silent or call again; the others stay as they are. */
function requiet(state: LiveState, changes: QuietFrame["alerts"]): LiveState {
  const alerts = new Map(state.alerts);
  for (const { id, quiet, quiet_until } of changes) {
    const known = alerts.get(id);
    if (known) alerts.set(id, { ...known, quiet, quiet_until });
  }
  return { ...state, alerts };
}

interface Ending {
  readonly id: number | string;
  readonly state: string;
}

/** Takes in one duty check or drill, of which `going` is the state before its end: what is over never begins again. */
function settle<T extends Ending>(known: ReadonlyMap<T["id"], T>, item: T, going: T["state"]): ReadonlyMap<T["id"], T> {
  const before = known.get(item.id);
  if (before && before.state !== going && item.state === going) return known;
  const next = new Map(known);
  next.delete(item.id);
  next.set(item.id, item);
  for (const id of next.keys()) {
    if (next.size <= RECENT_COUNT_MAX) break;
    next.delete(id);
  }
  return next;
}

/** Takes in the server's answer to one's own act or a frame. */
export function adoptDutyCheck(state: LiveState, check: DutyCheck): LiveState {
  const dutyChecks = settle(state.dutyChecks, check, "open");
  return dutyChecks === state.dutyChecks ? state : { ...state, dutyChecks };
}

/** Takes in the server's answer to one's own act or a frame. */
export function adoptDrill(state: LiveState, drill: Drill): LiveState {
  const drills = settle(state.drills, drill, "running");
  return drills === state.drills ? state : { ...state, drills };
}

/** What is over, plus what the snapshot says is going on: what it leaves out has ended while nobody listened. */
function resume<T extends Ending>(known: ReadonlyMap<T["id"], T>, open: T[], going: T["state"]): ReadonlyMap<T["id"], T> {
  const over = new Map([...known].filter(([, item]) => item.state !== going));
  return open.reduce((map, item) => settle(map, item, going), over as ReadonlyMap<T["id"], T>);
}

/**
 * A snapshot replaces what is known, except where the page has seen a newer version already: the answer to the
 * operator's own click may overtake the snapshot of a reconnect.
 */
function applySnapshot(state: LiveState, frame: SnapshotFrame): LiveState {
  const alerts = new Map<string, Alert>();
  for (const alert of frame.alerts) {
    const known = state.alerts.get(alert.id);
    if ((state.closedVersions.get(alert.id) ?? -1) >= alert.version) continue;
    alerts.set(alert.id, known && known.version > alert.version ? known : alert);
  }
  return {
    ...state,
    synced: true,
    cursor: frame.cursor,
    databaseAway: frame.database_away,
    alerts,
    institutions: new Map(frame.institutions.map((institution) => [institution.id, institution])),
    dutyChecks: resume(state.dutyChecks, frame.duty_checks, "open"),
    drills: resume(state.drills, frame.drills, "running"),
  };
}

/** The whole page state after one frame from the server. Readings belong to charts and change nothing here. */
export function applyFrame(state: LiveState, frame: LiveFrame): LiveState {
  switch (frame.type) {
    case "snapshot":
      return applySnapshot(state, frame);
    case "alert": {
      const next = adoptAlert(state, frame.alert);
      // While the database is away the cursor stands still.
      if (frame.cursor < state.cursor) return next;
      const institutions = new Map(state.institutions);
      const { institution } = frame;
      if (institution) institutions.set(institution.id, { ...institutions.get(institution.id), ...institution });
      return { ...next, cursor: frame.cursor, institutions };
    }
    case "heartbeat":
      if (state.pipelineAlive === frame.pipeline_alive && state.databaseAway === frame.database_away) return state;
      return { ...state, pipelineAlive: frame.pipeline_alive, databaseAway: frame.database_away };
    case "quiet":
      return requiet(state, frame.alerts);
    case "duty_check":
      return adoptDutyCheck(state, frame.check);
    case "drill":
      return adoptDrill(state, frame.drill);
    case "readings":
      return state;
  }
}
