import { computed, ref, shallowRef } from "vue";
import type { Alert, LiveFrame, LiveSeries } from "@/api/contract";
import type { Drill } from "@/api/drills";
import type { DutyCheck } from "@/api/dutyChecks";
import { compareInstitutions, isQuiet, isSounding } from "@/alert/lifecycle";
import { nowMs, serverNowMs, setServerTime } from "@/clock";
import { adoptAlert, adoptDrill, adoptDutyCheck, applyFrames, EMPTY, type LiveState } from "./reducer";
import { reordered } from "./order";
import { LiveSocket } from "./socket";

/** A burst of events redraws the page at most this often; the first event of a burst is shown at once. */
const REDRAW_INTERVAL_MS = 80;
/** A reconnect quicker than this is not worth alarming anybody. */
const LOST_GRACE_MS = 1_000;

type SamplesListener = (series: LiveSeries[]) => void;

const state = shallowRef<LiveState>(EMPTY);
const connected = ref(false);
const lostSinceMs = ref<number | null>(null);
const snapshotCount = ref(0);
const listeners = new Map<number, Set<SamplesListener>>();
const seen = new Set<string>();

let socket: LiveSocket | null = null;
let heardAtMs = serverNowMs();
let lostTimer: ReturnType<typeof setTimeout> | undefined;
let queue: LiveFrame[] = [];
let redrawTimer: ReturnType<typeof setTimeout> | undefined;

function flush(): void {
  const frames = queue;
  queue = [];
  if (frames.length) state.value = applyFrames(state.value, frames);
}

function enqueue(frame: LiveFrame): void {
  queue.push(frame);
  if (redrawTimer !== undefined) return;
  flush();
  redrawTimer = setTimeout(() => {
    redrawTimer = undefined;
    flush();
  }, REDRAW_INTERVAL_MS);
}

function markConnected(): void {
  clearTimeout(lostTimer);
  lostTimer = undefined;
  lostSinceMs.value = null;
  connected.value = true;
}

function markLost(): void {
  connected.value = false;
  if (lostTimer !== undefined || lostSinceMs.value !== null) return;
  lostTimer = setTimeout(() => {
    lostTimer = undefined;
    lostSinceMs.value = heardAtMs;
  }, LOST_GRACE_MS);
}

function receive(frame: LiveFrame): void {
  heardAtMs = serverNowMs();
  if (frame.type === "readings") {
    for (const listener of listeners.get(frame.device_id) ?? []) listener(frame.series);
    return;
  }
  if ("server_time" in frame) setServerTime(frame.server_time);
  enqueue(frame);
  if (frame.type !== "snapshot") return;
  markConnected();
  snapshotCount.value += 1;
  for (const deviceId of listeners.keys()) socket?.send({ type: "watch", device_id: deviceId });
}

/** Connects; `mayReconnect` is asked before each new attempt. */
function start(mayReconnect: () => Promise<boolean>): void {
  if (socket) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new LiveSocket(`${scheme}://${location.host}/live`, { frame: receive, lost: markLost, mayReconnect });
  markLost();
  socket.open();
}

/** Disconnects and forgets everything: the next user may see other things. */
function stop(): void {
  socket?.close();
  socket = null;
  clearTimeout(lostTimer);
  clearTimeout(redrawTimer);
  lostTimer = redrawTimer = undefined;
  queue = [];
  lostSinceMs.value = null;
  connected.value = false;
  state.value = EMPTY;
  seen.clear();
}

/** New samples of one device until the returned function is called. */
function watchDevice(deviceId: number, listener: SamplesListener): () => void {
  const known = listeners.get(deviceId);
  if (known) known.add(listener);
  else {
    listeners.set(deviceId, new Set([listener]));
    socket?.send({ type: "watch", device_id: deviceId });
  }
  return () => {
    const set = listeners.get(deviceId);
    if (!set?.delete(listener) || set.size) return;
    listeners.delete(deviceId);
    socket?.send({ type: "unwatch", device_id: deviceId });
  };
}

/** Takes in the server's answer to the operator's own act, ahead of its frame. */
function adopt(alert: Alert): void {
  state.value = adoptAlert(state.value, alert);
}

/** Tells the server, once, that a drill's alert is really on a screen. */
function reportSeen(alertId: string): void {
  if (seen.has(alertId) || !connected.value) return;
  seen.add(alertId);
  socket?.send({ type: "seen", alert_id: alertId });
}

const openAlerts = computed<readonly Alert[]>((before) => reordered(before ?? [], state.value.alerts));
/** The alerts whose quiet time has run out: text, so that the lists are worked out again only when it changes. */
const quietOver = computed(() =>
  openAlerts.value.filter((alert) => alert.quiet && !isQuiet(alert, nowMs.value)).map(({ id }) => id).join(),
);
const quietIds = computed(() => {
  const over = new Set(quietOver.value.split(","));
  return new Set(openAlerts.value.filter(({ id, quiet }) => quiet && !over.has(id)).map(({ id }) => id));
});
const callingAlerts = computed<readonly Alert[]>(() => openAlerts.value.filter(({ id }) => !quietIds.value.has(id)));

export const live = {
  start,
  stop,
  watchDevice,
  adopt,
  adoptDutyCheck: (check: DutyCheck): void => void (state.value = adoptDutyCheck(state.value, check)),
  adoptDrill: (drill: Drill): void => void (state.value = adoptDrill(state.value, drill)),
  reportSeen,
  openAlerts,
  /** The open alerts that call for a person. */
  callingAlerts,
  /** The open alerts that a person or another alert keeps quiet. */
  quietAlerts: computed(() => openAlerts.value.filter(({ id }) => quietIds.value.has(id))),
  soundingAlerts: computed(() => callingAlerts.value.filter(isSounding)),
  drillAlerts: computed(() => callingAlerts.value.filter((alert) => alert.drill && !alert.acknowledged)),
  dutyChecks: computed(() => [...state.value.dutyChecks.values()]),
  drills: computed(() => [...state.value.drills.values()]),
  institutions: computed(() => [...state.value.institutions.values()].sort(compareInstitutions)),
  institutionById: (id: number) => state.value.institutions.get(id),
  synced: computed(() => state.value.synced),
  connected,
  /** When the server was last heard (its time, ms) before a loss; null while connected or while the loss is too short to matter. */
  lostSinceMs,
  pipelineAlive: computed(() => state.value.pipelineAlive),
  /** Alarms come without the database: nothing can be acknowledged or looked up for now. */
  databaseAway: computed(() => connected.value && state.value.databaseAway),
  /** Grows with each snapshot: what came between two connections must be asked for again. */
  snapshotCount,
  alertById: (id: string): Alert | undefined => state.value.alerts.get(id),
};
