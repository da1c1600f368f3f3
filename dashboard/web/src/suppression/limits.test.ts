import { expect, it } from "vitest";
import { beijingMs, spanMaxS, spansS } from "./limits";

it.each([
  ["shelve", "fire", 1_800], ["shelve", null, 1_800], ["shelve", "offline", 86_400], ["out_of_service", "fire", 30 * 86_400],
  ["maintenance", null, 30 * 86_400],
] as const)("%s of %s: at most %s s", (means, kind, maxS) => expect(spanMaxS(means, kind)).toBe(maxS));

it("offers no length beyond the limit", () => {
  expect(spansS("shelve", "gas")).toEqual([600, 1_800]);
  expect(spansS("shelve", "low_battery")).toEqual([600, 1_800, 7_200, 86_400]);
});

it("reads what is typed as Beijing time", () => {
  expect(new Date(beijingMs("2026-11-22T09:30")).toISOString()).toBe("2026-11-22T01:30:00.000Z");
});
