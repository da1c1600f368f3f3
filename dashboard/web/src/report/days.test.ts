import { describe, expect, it } from "vitest";
import { month, usual, year } from "./days";

describe("days of a report", () => {
  it("knows months before a day, also over the year's end and in leap years", () => {
    expect(month("2026-11-27", 0)).toEqual({ from: "2026-11-01", to: "2026-11-30" });
    expect(month("2026-01-05", 1)).toEqual({ from: "2025-12-01", to: "2025-12-31" });
    expect(month("2028-03-31", 1)).toEqual({ from: "2028-02-01", to: "2028-02-29" });
  });

  it("shows a year's figures by the year, all else by the month", () => {
    expect(year("2026-11-27", 1)).toEqual({ from: "2025-01-01", to: "2025-12-31" });
    expect(usual("year", "2026-11-27")).toEqual(year("2026-11-27", 0));
    expect(usual("bulletin", "2026-11-27")).toEqual(month("2026-11-27", 0));
  });
});
