import { describe, expect, it } from "vitest";
import type { Alert, Institution, Priority } from "@/api/contract";
import { canAcknowledge, canReset, compareAlerts, compareInstitutions, isQuiet, isSounding, phaseOf } from "./lifecycle";

function alert(id: string, priority: Priority, acknowledged: boolean, raised_at: string, active = true): Alert {
  return { id, priority, acknowledged, raised_at, active } as Alert;
}

describe("compareAlerts", () => {
  it("puts the worst first, then the unacknowledged, then the newest", () => {
    const sorted = [
      alert("old low", "low", false, "2026-11-22T01:00:00Z"),
      alert("seen fire", "critical", true, "2026-11-22T03:00:00Z"),
      alert("new fire", "critical", false, "2026-11-22T02:00:00Z"),
      alert("first fire", "critical", false, "2026-11-22T01:00:00Z"),
      alert("new low", "low", false, "2026-11-22T02:00:00Z"),
    ].sort(compareAlerts);
    expect(sorted.map(({ id }) => id)).toEqual(["new fire", "first fire", "seen fire", "new low", "old low"]);
  });
});

it("lists a drill after everything real", () => {
  const drill = { ...alert("drill", "critical", false, "2026-11-22T03:00:00Z"), drill: true };
  const sorted = [drill, alert("low", "low", true, "2026-11-22T01:00:00Z")].sort(compareAlerts);
  expect(sorted.map(({ id }) => id)).toEqual(["low", "drill"]);
});

describe("compareInstitutions", () => {
  it("puts the worst state first, then the most and worst alerts, then the code", () => {
    const none = { critical: 0, high: 0, medium: 0, low: 0, advisory: 0 };
    const homes = [
      { code: "b", state: "normal", open_alerts: none },
      { code: "a", state: "normal", open_alerts: none },
      { code: "c", state: "offline", open_alerts: none },
      { code: "d", state: "alarm", open_alerts: { ...none, critical: 1, low: 3 } },
      { code: "e", state: "alarm", open_alerts: { ...none, critical: 2 } },
    ] as Institution[];
    expect(homes.sort(compareInstitutions).map(({ code }) => code)).toEqual(["e", "d", "c", "a", "b"]);
  });
});

describe("phaseOf", () => {
  it.each([
    [true, false, true, "unacknowledged", true, false],
    [true, true, true, "acknowledged", false, false],
    [false, false, true, "returned", true, false],
    [false, true, true, "awaiting_reset", false, true],
    [false, true, false, "closed", false, false],
  ] as const)("active %s, acknowledged %s, open %s: %s", (active, acknowledged, open, phase, mayAcknowledge, mayReset) => {
    expect(phaseOf({ ...alert("a", "high", acknowledged, "2026-11-22T01:00:00Z", active), open })).toBe(phase);
    expect(canAcknowledge(phase)).toBe(mayAcknowledge);
    expect(canReset(phase)).toBe(mayReset);
  });
});

it("sounds for critical unacknowledged alerts only, also after they cleared", () => {
  expect(isSounding(alert("a", "critical", false, ""))).toBe(true);
  expect(isSounding(alert("a", "critical", false, "", false))).toBe(true);
  expect(isSounding(alert("a", "critical", true, ""))).toBe(false);
  expect(isSounding(alert("a", "high", false, ""))).toBe(false);
});

it("never sounds the alarm for a drill", () => {
  expect(isSounding({ ...alert("a", "critical", false, ""), drill: true })).toBe(false);
});

describe("isQuiet", () => {
  const nowMs = Date.parse("2026-11-22T01:00:00Z");
  it.each([
    [null, null, false],
    ["shelved", "2026-11-22T01:00:01Z", true],
    ["shelved", "2026-11-22T01:00:00Z", false],
    ["confirmed_fire", null, true],
  ] as const)("%s until %s: %s", (quiet, quiet_until, expected) => {
    expect(isQuiet({ quiet, quiet_until }, nowMs)).toBe(expected);
  });
});
