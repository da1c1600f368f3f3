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
  /** The alerts that the parts of a snapshot have brought so far; null once it is whole. */
  readonly renewal: ReadonlySet<string> | null;
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
  renewal: null,
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

/** The maps of a state, of which a batch of frames changes copies. */
type Maps = Pick<LiveState, "alerts" | "closedVersions" | "institutions">;
type Writable<M> = M extends ReadonlyMap<infer K, infer V> ? Map<K, V> : never;

/**
 * A state in the making: each map is copied once, when the first frame of a batch writes to it. With 10,000 open alerts
 * a copy takes a millisecond, and a storm brings hundreds of frames between two redraws.
 */
class Draft {
  private readonly copied = new Set<keyof Maps>();

  constructor(public state: LiveState) {}

  write<K extends keyof Maps>(name: K): Writable<Maps[K]> {
    if (!this.copied.has(name)) {
      this.copied.add(name);
      this.set({ [name]: new Map<unknown, unknown>(this.state[name]) } as Partial<LiveState>);
    }
    return this.state[name] as unknown as Writable<Maps[K]>;
  }

  set(changes: Partial<LiveState>): void {
    this.state = { ...this.state, ...changes };
  }
}

function putAlert(draft: Draft, alert: Alert): void {
  const { state } = draft;
  if (alert.version <= versionSeen(state, alert.id) && !quietChanged(state, alert)) return;
  const alerts = draft.write("alerts");
  const closedVersions = draft.write("closedVersions");
  closedVersions.delete(alert.id);
  if (alert.open) {
    alerts.set(alert.id, alert);
    return;
  }
  alerts.delete(alert.id);
  closedVersions.set(alert.id, alert.version);
  for (const id of closedVersions.keys()) {
    if (closedVersions.size <= CLOSED_COUNT_MAX) break;
    closedVersions.delete(id);
  }
}

/** Takes in one alert; an older version changes nothing, an equal one only what keeps the alert quiet. */
export function adoptAlert(state: LiveState, alert: Alert): LiveState {
  const draft = new Draft(state);
  putAlert(draft, alert);
  return draft.state;
}

/** Takes in which open alerts fell silent or call again; the others stay as they are. */
function requiet(draft: Draft, changes: QuietFrame["alerts"]): void {
  const alerts = draft.write("alerts");
  for (const { id, quiet, quiet_until } of changes) {
    const known = alerts.get(id);
    if (known) alerts.set(id, { ...known, quiet, quiet_until });
  }
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

/** One alert of a snapshot as the page goes on with it; null where the page has seen its end. */
function renewed(state: LiveState, alert: Alert): Alert | null {
  if ((state.closedVersions.get(alert.id) ?? -1) >= alert.version) return null;
  const known = state.alerts.get(alert.id);
  return known && known.version > alert.version ? known : alert;
}

/**
 * A snapshot replaces what is known, except where the page has seen a newer version already: the answer to the
 * operator's own click may overtake the snapshot of a reconnect. It comes in parts, the worst alerts first: each is
 * shown as it comes, and with the last one goes what none of them held.
 */
function renew(draft: Draft, alerts: readonly Alert[], partsToCome: number): void {
  const { state } = draft;
  const whole = new Set(state.renewal);
  const open = draft.write("alerts");
  for (const alert of alerts) {
    const next = renewed(state, alert);
    whole.add(alert.id);
    if (next) open.set(alert.id, next);
    else open.delete(alert.id);
  }
  if (partsToCome > 0) {
    draft.set({ renewal: whole });
    return;
  }
  for (const id of open.keys()) if (!whole.has(id)) open.delete(id);
  draft.set({ renewal: null });
}

function applySnapshot(draft: Draft, frame: SnapshotFrame): void {
  const { state } = draft;
  draft.set({
    synced: true,
    cursor: frame.cursor,
    databaseAway: frame.database_away,
    institutions: new Map(frame.institutions.map((institution) => [institution.id, institution])),
    dutyChecks: resume(state.dutyChecks, frame.duty_checks, "open"),
    drills: resume(state.drills, frame.drills, "running"),
    renewal: null,
  });
  renew(draft, frame.alerts, frame.parts);
}

function take(draft: Draft, frame: LiveFrame): void {
  const { state } = draft;
  switch (frame.type) {
    case "snapshot":
      applySnapshot(draft, frame);
      break;
    case "snapshot_part":
      renew(draft, frame.alerts, frame.parts);
      break;
    case "alert":
      putAlert(draft, frame.alert);
      // While the database is away the cursor stands still.
      if (frame.cursor < state.cursor) break;
      if (frame.institution) {
        const institutions = draft.write("institutions");
        institutions.set(frame.institution.id, { ...institutions.get(frame.institution.id), ...frame.institution });
      }
      draft.set({ cursor: frame.cursor });
      break;
    case "heartbeat":
      if (state.pipelineAlive === frame.pipeline_alive && state.databaseAway === frame.database_away) break;
      draft.set({ pipelineAlive: frame.pipeline_alive, databaseAway: frame.database_away });
      break;
    case "quiet":
      requiet(draft, frame.alerts);
      break;
    case "duty_check":
      draft.state = adoptDutyCheck(state, frame.check);
      break;
    case "drill":
      draft.state = adoptDrill(state, frame.drill);
      break;
    case "readings":
      break;
  }
}

/** The whole page state after some frames from the server. Readings belong to charts and change nothing here. */
export function applyFrames(state: LiveState, frames: readonly LiveFrame[]): LiveState {
  const draft = new Draft(state);
  for (const frame of frames) take(draft, frame);
  return draft.state;
}

/** The state after one frame. */
export function applyFrame(state: LiveState, frame: LiveFrame): LiveState {
  return applyFrames(state, [frame]);
}
