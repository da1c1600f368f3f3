import type { Deed, Position, Receipt, SentAct, Their } from "@/api/phone";

/** What the phone holds unsent at most; more is refused before it is begun. */
export const UNSENT_COUNT_MAX = 300;
/** The server's own failures (5xx) on the same act before it counts as refused. */
const FAILURES_OF_ACT_MAX = 5;
/** Attempts without an answer before the phone waits for a signal, or for a thumb. */
export const ATTEMPTS_MAX = 12;
const FIRST_DELAY_MS = 2_000;
const DELAY_MS_MAX = 300_000;
/** What was sent is shown as sent for so long. */
export const SENT_HOURS_MAX = 24;

export interface Subject {
  kind: "inspection" | "hazard" | "institution";
  /** Of an inspection or hazard its id; of an institution its number. */
  id: string;
}

/** `aside`: refused, read, and put aside by the person; `settled`: a conflict that another act has decided. */
export type ActState = "waiting" | "sent" | "conflict" | "refused" | "aside" | "settled";

/** One thing somebody did, in the order it was done in. */
export interface QueuedAct {
  /** Its place in the order. */
  no: number;
  /** Made here; the server does nothing twice under one. */
  id: string;
  subject: Subject;
  institution: { id: number; name: string; name_en: string };
  based_on: number;
  deed: Deed;
  /** What it was about, in words, for the list. */
  title: string;
  done_at_ms: number;
  position: Position;
  settles: string | null;
  state: ActState;
  failures: number;
  /** Why it was refused: the server's name for it, and its words. */
  reason: { name: string; detail: string } | null;
  theirs: Their[];
  sent_at_ms: number | null;
}

export type NewAct = Pick<QueuedAct, "id" | "subject" | "institution" | "based_on" | "deed" | "title" | "done_at_ms" | "position" | "settles">;

export function queued(act: NewAct, no: number): QueuedAct {
  return { ...act, no, state: "waiting", failures: 0, reason: null, theirs: [], sent_at_ms: null };
}

/** Whether it still has to reach the server, or somebody has to decide about it. */
export function isUnsent(act: QueuedAct): boolean {
  return act.state === "waiting" || act.state === "conflict" || act.state === "refused";
}

function sameSubject(one: Subject, other: Subject): boolean {
  return one.kind === other.kind && one.id === other.id;
}

/** Why an act has to wait for another one, null where it has not. */
export function heldBy(acts: readonly QueuedAct[], act: QueuedAct): "order" | "decision" | null {
  const before = acts.filter((each) => each.no < act.no && sameSubject(each.subject, act.subject));
  if (before.some((each) => each.state === "waiting")) return "order";
  // Nobody signs over what has not been decided.
  const undecided = before.some((each) => each.state === "conflict" || each.state === "refused");
  return act.deed.verb === "conclude" && undecided ? "decision" : null;
}

/** What is sent next: the oldest that nothing holds. Of one inspection or hazard the order is kept. */
export function nextToSend(acts: readonly QueuedAct[]): QueuedAct | null {
  const ordered = [...acts].sort((one, other) => one.no - other.no);
  return ordered.find((act) => act.state === "waiting" && heldBy(ordered, act) === null) ?? null;
}

/** As it goes to the server. */
export function sentAct(act: QueuedAct, nowMs: number): SentAct {
  return {
    id: act.id,
    subject_id: act.subject.kind === "institution" ? null : act.subject.id,
    based_on: act.based_on,
    act: act.deed,
    done_at: new Date(act.done_at_ms).toISOString(),
    sent_at: new Date(nowMs).toISOString(),
    settles: act.settles,
    ...("latitude" in act.position && act.position),
  };
}

/** The photos an act needs on the server. */
export function photosOf(act: Pick<QueuedAct, "deed">): string[] {
  return "photos" in act.deed ? (act.deed.photos ?? []) : [];
}

/** What an answer of the server makes of it. */
export function answered(act: QueuedAct, receipt: Pick<Receipt, "outcome" | "theirs">, nowMs: number): QueuedAct {
  if (receipt.outcome === "conflict") return { ...act, state: "conflict", theirs: receipt.theirs };
  return { ...act, state: "sent", sent_at_ms: nowMs };
}

export interface Failure {
  /** 0: the server was not reached. */
  status: number;
  name: string;
  detail: string;
}

const AWAY = new Set([0, 408, 425, 429, 502, 503, 504]);

/**
 * What a failed attempt means: `retry` the whole queue later, `sign_in` first, `photos` again, the act is `refused` for
 * good, or this one act has `failed` and is tried again until it counts as refused.
 */
export type Verdict = "retry" | "sign_in" | "photos" | "failed" | "refused";

export function judge(failure: Failure): Verdict {
  if (AWAY.has(failure.status) || failure.name === "stale-version") return "retry";
  if (failure.status === 401 || failure.name === "password-change-required" || failure.name === "second-factor-required") return "sign_in";
  if (failure.name === "photos-missing") return "photos";
  return failure.status >= 500 ? "failed" : "refused";
}

/** The act after an attempt that was its own fault. */
export function failed(act: QueuedAct, failure: Failure): QueuedAct {
  const failures = act.failures + 1;
  const reason = { name: failure.name, detail: failure.detail };
  if (judge(failure) === "refused" || failures >= FAILURES_OF_ACT_MAX) return { ...act, failures, state: "refused", reason };
  return { ...act, failures, reason };
}

/** The wait before the next attempt after `attempts` without an answer; null: no more by itself. */
export function delayMs(attempts: number, random: number): number | null {
  if (attempts >= ATTEMPTS_MAX) return null;
  const full = Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** Math.max(0, attempts - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

export interface Counts {
  waiting: number;
  conflicts: number;
  refused: number;
}

export function counts(acts: readonly QueuedAct[]): Counts {
  const of = (state: ActState): number => acts.filter((act) => act.state === state).length;
  return { waiting: of("waiting"), conflicts: of("conflict"), refused: of("refused") };
}

/** What need not be kept any longer: what was sent or settled a while ago. What was refused never goes by itself. */
export function forgettable(acts: readonly QueuedAct[], nowMs: number): QueuedAct[] {
  const oldest = nowMs - SENT_HOURS_MAX * 3_600_000;
  return acts.filter((act) => (act.state === "sent" || act.state === "settled") && (act.sent_at_ms ?? act.done_at_ms) < oldest);
}

/** Why one's own version cannot be chosen over theirs, null where it can. */
export function cannotChooseMine(act: QueuedAct): "stays_failed" | null {
  // A failed item has opened a hazard and stays failed.
  return act.deed.verb === "answer" && act.theirs.some((their) => their.outcome === "fail") ? "stays_failed" : null;
}

/** The act that decides a conflict: mine over theirs, knowing theirs, or theirs, with mine on record as a remark. */
export function settling(act: QueuedAct, choice: "mine" | "theirs", id: string, nowMs: number): NewAct {
  const { subject, institution, title, position } = act;
  const common = { id, subject, institution, title, position, done_at_ms: nowMs, settles: act.id };
  if (choice === "theirs") return { ...common, based_on: 0, deed: { verb: "keep" } };
  const known = Math.max(act.based_on, ...act.theirs.map((their) => their.seq));
  return { ...common, based_on: known, deed: act.deed };
}
