import { expect, it } from "vitest";
import type { DutyCheck } from "@/api/dutyChecks";
import { merged } from "@/live/merge";
import { answerable, countdown, tookMs } from "./check";

function check(id: number, change: Partial<DutyCheck> = {}): DutyCheck {
  return {
    id, institution: { id: 1, code: "sim-001", name: "安和养老院", name_en: "Anhe" }, called_at: "2026-11-22T01:00:00Z",
    due_at: "2026-11-22T01:10:00Z", answered_at: null, answered_by: null, called_by: "random", note: "", state: "open", ...change,
  };
}

const nowMs = Date.parse("2026-11-22T01:05:00Z");

it("asks only the desk of that institution, only while it can still answer", () => {
  const checks = [check(1), check(2, { state: "answered" }), check(3, { due_at: "2026-11-22T01:05:00Z" })];
  expect(answerable(checks, 1, nowMs).map(({ id }) => id)).toEqual([1]);
  expect(answerable(checks, 2, nowMs)).toEqual([]);
  expect(answerable(checks, null, nowMs)).toEqual([]);
});

it("counts down and stops at zero", () => {
  expect(countdown("2026-11-22T01:10:00Z", nowMs)).toBe("5:00");
  expect(countdown("2026-11-22T01:05:09.9Z", nowMs)).toBe("0:09");
  expect(countdown("2026-11-22T01:00:00Z", nowMs)).toBe("0:00");
});

it("knows how long the desk took", () => {
  expect(tookMs(check(1))).toBeNull();
  expect(tookMs(check(1, { answered_at: "2026-11-22T01:00:42Z" }))).toBe(42_000);
});

it("lists what came live in place of what was listed, newest first", () => {
  const listed = [check(1), check(2, { called_at: "2026-11-22T03:00:00Z" })];
  const rows = merged(listed, [check(1, { state: "answered" }), check(3, { called_at: "2026-11-22T04:00:00Z" })], ({ called_at }) => called_at);
  expect(rows.map(({ id, state }) => [id, state])).toEqual([[3, "open"], [2, "open"], [1, "answered"]]);
});
