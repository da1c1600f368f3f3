import { beforeEach, expect, it } from "vitest";
import { WALL_STATES, WHYS, type WallReason } from "@/api/wall";
import { i18n } from "@/i18n";
import { en } from "@/locales/en";
import { zhCN } from "@/locales/zh-CN";
import { whyText } from "./why";

const NOW = Date.parse("2026-11-28T03:00:00Z");

function reason(more: Partial<WallReason>): WallReason {
  return { why: "overdue", count: 0, since: null, amount: 0, name: null, ...more };
}

beforeEach(() => {
  i18n.global.setLocaleMessage("en", en);
  i18n.global.locale.value = "zh-CN";
});

it("has words for every reason and every state", () => {
  expect(Object.keys(zhCN.wall.why)).toEqual([...WHYS]);
  expect(Object.keys(zhCN.wall.state)).toEqual([...WALL_STATES]);
});

it("says how many, how long and how much", () => {
  const waiting = reason({ why: "critical_waiting", count: 2, since: "2026-11-28T02:48:00Z" });
  expect(whyText(waiting, NOW)).toBe("2 起紧急报警无人确认，已等 12 分钟");
  expect(whyText(reason({ why: "offline", count: 3, amount: 0.125 }), NOW)).toBe("3 台设备离线（12.5%）");
  expect(whyText(reason({ why: "grade", amount: 4, name: "D" }), NOW)).toBe("信用评价 D 级");
  i18n.global.locale.value = "en";
  expect(whyText({ ...waiting, count: 1 }, NOW)).toBe("1 critical alarm not acknowledged, waiting 12 min");
  expect(whyText(waiting, NOW)).toBe("2 critical alarms not acknowledged, waiting 12 min");
  expect(whyText(reason({ why: "black_listed" }), NOW)).toBe("On the black list");
});
