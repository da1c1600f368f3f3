import { expect, test } from "vitest";
import type { Zone } from "@/api/contract";
import { markKey, thingsOn, withMark, withoutMark } from "./marks";

function zone(id: number, floor: number, devices: number[]): Zone {
  return {
    id, code: "z", name: `区${id}`, name_en: "", kind: "bedroom", floor,
    devices: devices.map((each) => ({
      id: each, code: "d", name: `烟感${each}`, kind: "smoke", model: "", zone_id: id, report_interval_s: 30, last_seen_at: null, state: "normal", points: [],
      installed_on: null, test_due_on: null,
    })),
  };
}

const THINGS = thingsOn([zone(1, 1, [7, 8]), zone(2, 2, [9])], 1);

test("only what is on the floor can be marked, a zone before its devices", () => {
  expect(THINGS.map(({ key, name, ofZone }) => [key, name, ofZone])).toEqual([["z1", "区1", ""], ["d7", "烟感7", "区1"], ["d8", "烟感8", "区1"]]);
});

test("a thing is marked once: marking it again moves it, and never off the picture", () => {
  const [area, device] = THINGS;
  if (!area || !device) throw new Error("nothing to mark");
  let marks = withMark([], area, 0.25, 0.5);
  marks = withMark(marks, device, 0.1, 0.1);
  marks = withMark(marks, area, 1.4, -0.2);
  expect(marks.map((mark) => [markKey(mark), mark.x, mark.y])).toEqual([["d7", 0.1, 0.1], ["z1", 1, 0]]);
  expect(withoutMark(marks, "z1").map(markKey)).toEqual(["d7"]);
});
