import type { User } from "@/api/people";

/** Whose offline work this phone keeps: read at the start, before anything else is loaded. */
const KEY = "anhu.phone";
/** Accounts that left unsent work here when they signed out. */
const LEFT = "anhu.phone.left";
/** Without having heard from the server for so long, the phone opens nothing: the account may have been closed. */
export const OFFLINE_HOURS_MAX = 72;

export interface KeptAccount {
  user: User;
  /** When the server last said that this person is signed in here. */
  confirmed_at_ms: number;
}

export function keptAccount(): KeptAccount | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null") as KeptAccount | null;
  } catch {
    return null; // Written by something else, or storage is forbidden: then nothing is kept here.
  }
}

/** Who may work here without signal, null where nobody was signed in lately. */
export function offlineUser(kept: KeptAccount | null, nowMs: number): User | null {
  if (!kept || nowMs - kept.confirmed_at_ms > OFFLINE_HOURS_MAX * 3_600_000) return null;
  return kept.user;
}

export function keepAccount(user: User, nowMs: number): void {
  localStorage.setItem(KEY, JSON.stringify({ user, confirmed_at_ms: nowMs } satisfies KeptAccount));
}

export function forgetAccount(): void {
  localStorage.removeItem(KEY);
}

function left(): number[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(LEFT) ?? "[]");
    return Array.isArray(found) ? found.filter((id) => typeof id === "number") : [];
  } catch {
    return []; // As in keptAccount().
  }
}

/** Notes whether unsent work of an account stays here while somebody else, or nobody, is signed in. */
export function noteLeft(accountId: number, leaving: boolean): void {
  const others = left().filter((id) => id !== accountId);
  localStorage.setItem(LEFT, JSON.stringify(leaving ? [...others, accountId] : others));
}

/** Whether this person keeps work on this phone, so that it is opened, and sent, as soon as they are signed in. */
export function keepsWork(accountId: number): boolean {
  return keptAccount()?.user.id === accountId || left().includes(accountId);
}
