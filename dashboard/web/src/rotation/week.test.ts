import { expect, test } from "vitest";
import type { DutyTurn } from "@/api/rotations";
import { daysOf, turnAt } from "./week";

function turn(from_at: string, until_at: string): DutyTurn {
  return { from_at, until_at, person: null, in_place_of: null, found: "everybody" };
}

const NIGHT = turn("2026-11-27T12:00:00Z", "2026-11-28T00:00:00Z"); // 20:00 to 08:00 in China
const DAY = turn("2026-11-28T00:00:00Z", "2026-11-28T12:00:00Z");
const START_MS = Date.parse("2026-11-27T13:00:00Z");

test("a turn over midnight is on both days of China, from midnight on the second", () => {
  const days = daysOf([NIGHT, DAY], START_MS, 3);
  expect(days.map(({ date }) => date)).toEqual(["2026-11-27", "2026-11-28", "2026-11-29"]);
  expect(days.map(({ entries }) => entries.map(({ from }) => from))).toEqual([[null], ["00:00", "08:00"], []]);
});

test("the turn at a moment ends where the next begins", () => {
  expect(turnAt([NIGHT, DAY], Date.parse(DAY.from_at) - 1)).toBe(NIGHT);
  expect(turnAt([NIGHT, DAY], Date.parse(DAY.from_at))).toBe(DAY);
  expect(turnAt([NIGHT, DAY], 0)).toBe(NIGHT);
  expect(turnAt([], 0)).toBeNull();
});
