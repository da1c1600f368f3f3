import type { User } from "@/api/people";

/** Whose offline work this phone keeps: read at the start, before anything else is loaded. */
const KEY = "anhu.phone";
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
