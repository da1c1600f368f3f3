import { expect, it } from "vitest";
import type { HealthState, Institution } from "@/api/contract";
import { cities, largest, stateOf } from "./map";

function home(id: number, region: string, state: HealthState = "normal", code = `h-${id}`): Institution {
  const open_alerts = { critical: 0, high: 0, medium: 0, low: 0, advisory: 0 };
  return { id, code, name: code, name_en: "", kind: "nursing_home", region, device_count: 1, offline_count: 0, open_alerts, state };
}

it("draws an alarm before an overdue major hazard, and that before everything else", () => {
  const overdue = new Set([1]);
  expect(stateOf(home(1, "220322", "alarm"), overdue)).toBe("alarm");
  expect(stateOf(home(1, "220322", "offline"), overdue)).toBe("major_overdue");
  expect(stateOf(home(2, "220322", "offline"), overdue)).toBe("offline");
});

it("groups by city and county, in the order of the codes, those without one last", () => {
  const made = cities([home(1, ""), home(2, "220323"), home(3, "220104"), home(4, "220322"), home(5, "220322", "normal", "a")], new Set());
  expect(made.map(({ code }) => code)).toEqual(["2201", "2203", ""]);
  expect(made[1]?.counties.map(({ code }) => code)).toEqual(["220322", "220323"]);
  expect(made[1]?.counties[0]?.tiles.map(({ id }) => id)).toEqual([5, 4]);
});

it("leaves every institution where it is when its state changes", () => {
  const places = (state: HealthState) =>
    cities([home(1, "220322"), home(2, "220322", state), home(3, "220322")], new Set()).flatMap(({ counties }) =>
      counties.flatMap(({ tiles }) => tiles.map(({ id }) => id)));
  expect(places("alarm")).toEqual(places("normal"));
});

it("takes the largest size that fits", () => {
  expect(largest([40, 20, 10], (size) => size <= 20)).toBe(20);
  expect(largest([40, 20, 10], () => false)).toBe(10);
});
