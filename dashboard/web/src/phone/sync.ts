import { computed, ref, shallowRef, watch } from "vue";
import type { HazardDetail } from "@/api/hazards";
import { ApiError } from "@/api/http";
import type { InspectionDetail } from "@/api/inspections";
import * as api from "@/api/phone";
import type { PhonePlace } from "@/api/phone";
import { currentUser } from "@/api/client";
import type { User } from "@/api/people";
import { live } from "@/live/store";
import { keepAccount } from "./account";
import { newId } from "./identity";
import {
  answered, counts, delayMs, failed, forgettable, isUnsent, judge, nextToSend, photosOf, sentAct, settling, UNSENT_COUNT_MAX,
  type Failure, type NewAct, type QueuedAct,
} from "./queue";
import { PhoneStore, type Day, type Kept, type Shot } from "./store";

const PROBLEM = "urn:anhu:problem:";
/** While a page is open and there is signal, what is taken along is fetched again this often. */
const REFRESH_MS = 300_000;
const TICK_MS = 30_000;
/** Pictures taken along at most; each has at most 1 MiB, mostly a third. */
const PICTURES_COUNT_MAX = 200;

/**
 * What the queue is at. `waiting`: for the next attempt; `stopped`: no more by itself, until there is signal or a thumb;
 * `signed_out`: the session has ended, `other_account`: somebody else is signed in here.
 */
export type Phase = "idle" | "sending" | "waiting" | "stopped" | "signed_out" | "other_account";

const account = shallowRef<User | null>(null);
const acts = shallowRef<QueuedAct[]>([]);
const inspections = shallowRef<ReadonlyMap<string, Kept<InspectionDetail>>>(new Map());
const hazards = shallowRef<ReadonlyMap<string, Kept<HazardDetail>>>(new Map());
const places = shallowRef<ReadonlyMap<string, Kept<PhonePlace>>>(new Map());
const pictures = shallowRef<ReadonlySet<string>>(new Set());
const day = shallowRef<Day | null>(null);
const phase = ref<Phase>("idle");
/** The act that is on its way now. */
const sending = ref<string | null>(null);
/** Why the last attempt to fetch came to nothing; null after one that did. */
const fetchFailure = shallowRef<unknown>(null);
/** The page in another tab is newer and has taken the database over: this one has to be loaded again. */
const outdated = ref(false);

let store: PhoneStore | null = null;
let opening: Promise<void> | null = null;
let attempts = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let running: Promise<void> | null = null;
let again = false;
let stopFollowing: (() => void) | null = null;

function byId<T>(rows: readonly Kept<T>[]): ReadonlyMap<string, Kept<T>> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** Reads everything anew: another tab may have changed it. */
async function reload(): Promise<void> {
  const from = store;
  if (!from) return;
  const read = await Promise.all([from.acts(), from.all("inspections"), from.all("hazards"), from.all("places"), from.ids("pictures"), from.day()]);
  if (store !== from) return;
  acts.value = read[0];
  inspections.value = byId(read[1]);
  hazards.value = byId(read[2]);
  places.value = byId(read[3]);
  pictures.value = new Set(read[4]);
  day.value = read[5] ?? null;
}

/** Opens what this person keeps here, and begins to send and fetch. Several may ask for it at once. */
function open(user: User): Promise<void> {
  if (account.value?.id === user.id && opening) return opening;
  close();
  account.value = user;
  opening = begin(user);
  return opening;
}

async function begin(user: User): Promise<void> {
  const made = await PhoneStore.open(user.id, () => (outdated.value = true));
  if (account.value?.id !== user.id) {
    made.close();
    return;
  }
  store = made;
  await reload();
  follow();
  void sync();
}

function close(): void {
  stopFollowing?.();
  stopFollowing = null;
  clearTimeout(timer);
  timer = undefined;
  store?.close();
  store = null;
  opening = null;
  account.value = null;
  acts.value = [];
  inspections.value = hazards.value = places.value = new Map();
  pictures.value = new Set();
  day.value = null;
  phase.value = "idle";
  sending.value = null;
  attempts = 0;
}

/** Signal, a look at the page, and time are reasons to try again. */
function follow(): void {
  const retry = (): void => {
    attempts = 0;
    void sync();
  };
  const seen = (): void => {
    if (!document.hidden) void reload().then(retry);
  };
  const tick = setInterval(() => {
    const old = !day.value || Date.now() - day.value.fetched_at_ms > REFRESH_MS;
    if (!document.hidden && phase.value === "idle" && (old || nextToSend(acts.value))) void sync();
  }, TICK_MS);
  window.addEventListener("online", retry);
  document.addEventListener("visibilitychange", seen);
  const unwatch = watch(live.connected, (connected) => connected && retry());
  stopFollowing = () => {
    clearInterval(tick);
    window.removeEventListener("online", retry);
    document.removeEventListener("visibilitychange", seen);
    unwatch();
  };
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof ApiError)) throw error;
  const { type, detail, title } = error.problem;
  return { status: error.status, name: type?.startsWith(PROBLEM) ? type.slice(PROBLEM.length) : "", detail: detail ?? title ?? "" };
}

async function change(act: QueuedAct): Promise<void> {
  await store?.change(act);
  acts.value = acts.value.map((each) => (each.no === act.no ? act : each));
}

async function sendShot(shot: Shot): Promise<void> {
  const placed = "latitude" in shot.position ? shot.position : { place_missing: shot.position.missing };
  await api.upload(
    { photo_id: shot.id, institution_id: shot.institution_id, taken_at: new Date(shot.taken_at_ms).toISOString(), sent_at: new Date().toISOString(), ...placed },
    new Blob([shot.jpeg], { type: "image/jpeg" }),
  );
  await store?.put("shots", { ...shot, sent: true });
}

async function sendShots(act: QueuedAct, all: boolean): Promise<void> {
  for (const id of photosOf(act)) {
    const shot = await store?.get("shots", id);
    if (shot && (all || !shot.sent)) await sendShot(shot);
  }
}

async function sendOne(act: QueuedAct): Promise<api.Receipt> {
  await sendShots(act, false);
  try {
    return await api.perform(sentAct(act, Date.now()));
  } catch (error) {
    if (judge(failureOf(error)) !== "photos") throw error;
    await sendShots(act, true); // They lay there unused for too long and were dropped.
    return api.perform(sentAct(act, Date.now()));
  }
}

async function adopt(receipt: api.Receipt): Promise<void> {
  const kept_at_ms = Date.now();
  if (receipt.inspection) {
    const row = { id: receipt.inspection.id, detail: receipt.inspection, kept_at_ms };
    await store?.put("inspections", row);
    inspections.value = new Map(inspections.value).set(row.id, row);
  }
  if (receipt.hazard && hazards.value.has(receipt.hazard.id)) {
    const row = { id: receipt.hazard.id, detail: receipt.hazard, kept_at_ms };
    await store?.put("hazards", row);
    hazards.value = new Map(hazards.value).set(row.id, row);
  }
}

/** Sends what can be sent, in order. False where it has to be tried again later. */
async function drain(): Promise<boolean> {
  for (let act = nextToSend(acts.value); act && store; act = nextToSend(acts.value)) {
    phase.value = "sending";
    sending.value = act.id;
    try {
      const receipt = await sendOne(act);
      attempts = 0;
      await adopt(receipt);
      await change(answered(act, receipt, Date.now()));
    } catch (error) {
      const failure = failureOf(error);
      const verdict = judge(failure);
      if (verdict === "retry") return false;
      if (verdict === "sign_in") {
        phase.value = "signed_out";
        return true;
      }
      await change(failed(act, verdict === "photos" ? { ...failure, status: 409 } : failure));
      if (verdict === "failed") return false;
    } finally {
      sending.value = null;
    }
  }
  return true;
}

function picturesOf(found: readonly HazardDetail[]): string[] {
  return found.flatMap(({ events }) => events.flatMap(({ photos }) => photos));
}

/** What acts that are kept are still about: it stays, so that they can be shown. */
function needed(): Set<string> {
  return new Set(acts.value.filter(isUnsent).flatMap(({ subject, institution }) => [subject.id, String(institution.id)]));
}

async function fetchDay(): Promise<void> {
  const to = store;
  if (!to) return;
  const got = await api.day();
  const kept: Day = {
    fetched_at_ms: Date.now(), inspections: got.inspections.map(({ id }) => id), rechecks: got.rechecks.map(({ id }) => id),
    options: got.options, left_out: got.left_out,
  };
  if (store !== to) return;
  await to.keepDay(kept, got.inspections, got.rechecks, got.places, needed());
  await reload();
  const wanted = picturesOf([...hazards.value.values()].map(({ detail }) => detail)).slice(0, PICTURES_COUNT_MAX);
  for (const id of wanted) {
    if (store !== to) return;
    if (pictures.value.has(id)) continue;
    try {
      const jpeg = await (await api.picture(id)).arrayBuffer();
      await to.put("pictures", { id, jpeg, kept_at_ms: Date.now() });
      pictures.value = new Set(pictures.value).add(id);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
  }
  await to.keepPictures(new Set(wanted));
}

/** Whether whoever is signed in on the server is whose work this is. */
async function confirmed(): Promise<boolean> {
  const who = await currentUser();
  if (who && who.id === account.value?.id) {
    keepAccount(who, Date.now());
    return true;
  }
  phase.value = who ? "other_account" : "signed_out";
  return false;
}

function later(): void {
  attempts += 1;
  const wait = delayMs(attempts, Math.random());
  phase.value = wait === null ? "stopped" : "waiting";
  if (wait !== null) timer = setTimeout(() => void sync(), wait);
}

async function round(): Promise<void> {
  clearTimeout(timer);
  try {
    if (!(await confirmed())) return;
    if (!(await drain())) return later();
    if (phase.value === "signed_out") return;
    await fetchDay();
    fetchFailure.value = null;
    await store?.drop(forgettable(acts.value, Date.now()), photosOf);
    await reload();
    attempts = 0;
    phase.value = "idle";
  } catch (error) {
    fetchFailure.value = error; // Also of the phone's own, such as a full disk: the page shows it.
    later();
  }
}

/** One page sends at a time: the lock is shared by all tabs. Without locks the server still does nothing twice. */
function exclusively(work: () => Promise<void>): Promise<void> {
  if (!("locks" in navigator)) return work();
  return navigator.locks.request(`anhu-phone-${account.value?.id ?? 0}`, async () => {
    await reload();
    await work();
  });
}

/** Sends and fetches now; while it is at it, once more afterwards. */
function sync(): Promise<void> {
  if (!store) return Promise.resolve();
  if (running) {
    again = true;
    return running;
  }
  running = exclusively(round).finally(() => {
    running = null;
    if (again) {
      again = false;
      void sync();
    }
  });
  return running;
}

/** Puts something done into the queue; it is on the disk when this resolves. Rejects where the queue is full. */
async function add(act: Omit<NewAct, "id" | "done_at_ms">, shots: readonly Shot[] = []): Promise<QueuedAct> {
  if (!store) throw new Error("nothing is kept on this phone");
  if (acts.value.filter(isUnsent).length >= UNSENT_COUNT_MAX) throw new QueueFull();
  const made = await store.add({ ...act, id: newId(), done_at_ms: Date.now() }, shots);
  acts.value = await store.acts();
  void sync();
  return made;
}

/** Decides a conflict. */
async function settle(act: QueuedAct, choice: "mine" | "theirs"): Promise<void> {
  if (!store) return;
  await store.add(settling(act, choice, newId(), Date.now()), []);
  acts.value = await store.acts();
  void sync();
}

/** Puts something refused aside: it has been read, and what it held back may go on. */
async function putAside(act: QueuedAct): Promise<void> {
  await change({ ...act, state: "aside" });
  void sync();
}

/** Lets something refused be tried once more. */
async function tryAgain(act: QueuedAct): Promise<void> {
  await change({ ...act, state: "waiting", failures: 0, reason: null });
  attempts = 0;
  void sync();
}

/** A photo, taken here or taken along; null for one the phone does not have. */
async function photo(id: string): Promise<Blob | null> {
  const found = (await store?.get("shots", id)) ?? (await store?.get("pictures", id));
  return found ? new Blob([found.jpeg], { type: "image/jpeg" }) : null;
}

/** At the end of a session: what was taken along goes; unsent work goes only where `all`. */
async function leave(all: boolean): Promise<void> {
  const who = account.value;
  if (!who) return;
  await store?.clearTaken();
  close();
  if (all) await PhoneStore.forget(who.id);
}

export class QueueFull extends Error {
  constructor() {
    super(`${UNSENT_COUNT_MAX} acts are waiting to be sent`);
    this.name = "QueueFull";
  }
}

export const phone = {
  account, acts, inspections, hazards, places, pictures, day, phase, sending, fetchFailure, outdated,
  counts: computed(() => counts(acts.value)),
  unsent: computed(() => acts.value.filter(isUnsent)),
  open, close, sync, add, settle, putAside, tryAgain, photo, leave,
  retry: (): Promise<void> => {
    attempts = 0;
    return sync();
  },
};
