import { describe, expect, it } from "vitest";
import { deliveredAt, entryNumber, lastDayMs, offered, standingKey } from "./show";

describe("an entry of a credit list", () => {
  it("is said by its number", () => {
    expect(entryNumber(12)).toBe("XY-000012");
  });

  it("offers granting and refusing as one decision, and what moves it on first", () => {
    expect(offered(["drop", "reject_appeal", "grant_appeal"])).toEqual(["decide_appeal", "drop"]);
    expect(offered(["drop", "list"])).toEqual(["list", "drop"]);
    expect(offered(["remove", "refuse_repair"])).toEqual(["decide_repair"]);
    expect(offered([])).toEqual([]);
  });

  it("says when the time to object is over or the objection decided", () => {
    const entry = { state: "delivered", appeal_until: "2026-03-12T16:00:00.000Z", appeal_rejected_at: null } as const;
    expect(standingKey(entry, Date.parse("2026-03-12T15:59:59Z"))).toBe("credit.state.delivered");
    expect(standingKey(entry, Date.parse("2026-03-12T16:00:00Z"))).toBe("credit.windowOver");
    expect(standingKey({ ...entry, appeal_rejected_at: "2026-03-05T08:00:00Z" }, 0)).toBe("credit.heard");
  });

  it("counts the last day of a window that ends at midnight in Beijing", () => {
    expect(new Date(lastDayMs("2026-03-12T16:00:00.000Z")).toISOString()).toBe("2026-03-12T15:59:59.000Z");
  });

  it("takes a delivery to be at the end of its day, and never in the future", () => {
    expect(deliveredAt("2026-03-02", Date.parse("2026-03-05T00:00:00Z"))).toBe("2026-03-02T15:59:59.000Z");
    expect(deliveredAt("2026-03-05", Date.parse("2026-03-05T02:00:00Z"))).toBe("2026-03-05T02:00:00.000Z");
  });
});
