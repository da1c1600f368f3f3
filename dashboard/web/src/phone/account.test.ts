import { afterEach, expect, it, vi } from "vitest";
import type { User } from "@/api/people";
import { forgetAccount, keepAccount, keepsWork, keptAccount, noteLeft, offlineUser, OFFLINE_HOURS_MAX } from "./account";

const HOUR_MS = 3_600_000;
const li = { id: 5, username: "li" } as User;

function storage(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage;
}

afterEach(() => vi.unstubAllGlobals());

it("lets somebody work without signal for a while after the server last knew them, and nobody else", () => {
  const kept = { user: li, confirmed_at_ms: 0 };
  expect(offlineUser(kept, OFFLINE_HOURS_MAX * HOUR_MS)).toEqual(li);
  expect(offlineUser(kept, OFFLINE_HOURS_MAX * HOUR_MS + 1)).toBeNull();
  expect(offlineUser(null, 0)).toBeNull();
});

it("remembers who left unsent work when they signed out, until they are back", () => {
  vi.stubGlobal("localStorage", storage());
  expect(keptAccount()).toBeNull();
  keepAccount(li, 1);
  expect([keepsWork(5), keepsWork(6)]).toEqual([true, false]);
  noteLeft(5, true);
  noteLeft(7, true);
  forgetAccount();
  expect([keptAccount(), keepsWork(5), keepsWork(7)]).toEqual([null, true, true]);
  noteLeft(5, false);
  expect([keepsWork(5), keepsWork(7)]).toEqual([false, true]);
});

it("keeps nothing where the storage holds something else", () => {
  const other = storage();
  other.setItem("anhu.phone", "{");
  other.setItem("anhu.phone.left", "7");
  vi.stubGlobal("localStorage", other);
  expect([keptAccount(), keepsWork(7)]).toEqual([null, false]);
});
