import { describe, expect, it } from "vitest";
import { eventName, hazardNumber, hazardTitle, leading, offered, timeLeft } from "./show";

const HOUR_MS = 3_600_000;

describe("hazards in words", () => {
  it("writes the number as it is searched for", () => {
    expect(hazardNumber(42)).toBe("YH-000042");
    expect(hazardNumber(1_234_567)).toBe("YH-1234567");
  });

  it("shows time only while it counts", () => {
    const deadline = "2026-03-02T08:00:00.000Z";
    const atMs = Date.parse(deadline);
    expect(timeLeft({ state: "assigned", deadline, assign_by: null }, atMs - 3 * HOUR_MS)).toBe("还剩 3 小时");
    expect(timeLeft({ state: "assigned", deadline, assign_by: null }, atMs + 26 * HOUR_MS)).toBe("逾期 1 天 2 小时");
    expect(timeLeft({ state: "rectified", deadline, assign_by: null }, atMs + HOUR_MS)).toBe("");
    expect(timeLeft({ state: "withdrawn", deadline, assign_by: null }, atMs)).toBe("");
    expect(timeLeft({ state: "reported", deadline: null, assign_by: deadline }, atMs + HOUR_MS)).toBe("逾期 1 小时");
  });

  it("calls a recheck by its outcome", () => {
    expect(eventName({ verb: "recheck", passed: true })).toBe("复查通过");
    expect(eventName({ verb: "recheck", passed: false })).toBe("复查不通过");
    expect(eventName({ verb: "close", passed: null })).toBe("销号");
  });

  it("keeps the title a person wrote", () => {
    expect(hazardTitle({ title: "通道堵塞", title_en: "" })).toBe("通道堵塞");
  });
});

describe("what is offered", () => {
  it("puts the next step first and takes granting and refusing as one", () => {
    expect(offered(["comment", "refuse_extension", "rectify", "extend"])).toEqual(["rectify", "extend", "comment"]);
    expect(offered(["refuse_extension"])).toEqual(["extend"]);
    expect(offered([])).toEqual([]);
  });

  it("leads with what moves the hazard on", () => {
    expect(leading({ state: "rectified", acts: ["recheck", "comment"] })).toBe("recheck");
    expect(leading({ state: "rechecked", acts: ["recheck"] })).toBeNull();
    expect(leading({ state: "closed", acts: ["comment"] })).toBeNull();
    expect(leading({ state: "withdrawn", acts: ["comment"] })).toBeNull();
  });
});
