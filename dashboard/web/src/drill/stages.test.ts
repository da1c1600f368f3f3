import { expect, it } from "vitest";
import type { Drill } from "@/api/drills";
import { secondsText, stageSeconds } from "./stages";

it("measures every stage from the start, and leaves open what has not happened", () => {
  const drill = {
    started_at: "2026-11-22T01:00:00.000Z", raised_at: "2026-11-22T01:00:00.640Z", seen_on_screen_s: 0.9, pushed_s: null, acknowledged_s: null,
  } as Drill;
  expect(stageSeconds(drill)).toEqual({ raised: 0.64, seen: 0.9, pushed: null, acknowledged: null });
  expect(stageSeconds({ ...drill, raised_at: null }).raised).toBeNull();
});

it.each([[0.213, "0.2"], [9.96, "10.0"], [42.4, "42"]])("writes %s s as %s", (seconds, text) => expect(secondsText(seconds)).toBe(text));
