import { describe, expect, it } from "vitest";
import { suits } from "@/api/checklists";
import { phase } from "./campaign";
import { candidateLines, inspectorLines } from "./register";

const PARTS = { base: 10, general: 0, major: 20, overdue: 0, time: 40, rating: -14 };
const draw = {
  register_body: {
    visits: 1, seats: ["leader" as const],
    candidates: [{ code: "a", name: "甲", weight: 56 }, { code: "b", name: "乙", weight: 84 }, { code: "c", name: "丙", weight: 56 }],
    inspectors: [{ key: "P1", duties: ["leader" as const] }, { key: "P2", duties: ["expert" as const] }],
    conflicts: [["P1", "a"] as [string, string]],
  },
  grounds: { weights: "1", parts: { a: PARTS, b: PARTS, c: PARTS }, conflicts: [["P1", "a", "family"] as [string, string, "family"]], without_team: [] },
  result: { visits: [{ institution: "c", team: [] }] },
  names: { P1: "李工" },
};

describe("the register of a draw", () => {
  it("lists the heaviest first, each with its share, its parts and its place in the result", () => {
    const lines = candidateLines(draw);
    expect(lines.map(({ code }) => code)).toEqual(["b", "a", "c"]);
    expect(lines.map(({ share }) => share)).toEqual([84 / 196, 56 / 196, 56 / 196]);
    expect(lines.map(({ order }) => order)).toEqual([null, null, 1]);
    expect(lines[0]?.parts).toEqual([
      { part: "base", value: 10 }, { part: "major", value: 20 }, { part: "time", value: 40 }, { part: "rating", value: -14 },
    ]);
    expect(candidateLines({ ...draw, result: null })[2]?.order).toBeNull();
  });

  it("names inspectors and what keeps them away", () => {
    expect(inspectorLines(draw, (code) => code.toUpperCase())).toEqual([
      { key: "P1", name: "李工", duties: ["leader"], keptFrom: [{ place: "A", reason: "family" }] },
      { key: "P2", name: "P2", duties: ["expert"], keptFrom: [] },
    ]);
  });
});

describe("a checklist", () => {
  it("is offered where it suits one of the kinds, and a list for all everywhere", () => {
    const home = { kinds: ["nursing_home" as const] };
    expect(suits(home, ["nursing_home"])).toBe(true);
    expect(suits(home, ["rescue_station"])).toBe(false);
    expect(suits(home, ["rescue_station", "nursing_home"])).toBe(true);
    expect(suits(home, [])).toBe(true);
    expect(suits({ kinds: [] }, ["rescue_station"])).toBe(true);
  });
});

describe("a campaign", () => {
  it("runs from the first moment of its first day to the last of its last, in Beijing", () => {
    const days = { begins_on: "2026-03-02", ends_on: "2026-03-04" };
    const at = (iso: string): number => Date.parse(iso);
    expect(phase(days, at("2026-03-01T15:59:59Z"))).toBe("ahead");
    expect(phase(days, at("2026-03-01T16:00:00Z"))).toBe("running");
    expect(phase(days, at("2026-03-04T15:59:59Z"))).toBe("running");
    expect(phase(days, at("2026-03-04T16:00:00Z"))).toBe("over");
  });
});
