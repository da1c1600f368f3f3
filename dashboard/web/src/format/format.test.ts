import { beforeEach, expect, it } from "vitest";
import { i18n } from "@/i18n";
import { en } from "@/locales/en";
import { zhCN } from "@/locales/zh-CN";
import { actorName } from "./actor";
import { significant } from "./number";
import { evidenceText, floorName } from "./place";
import { formatAgo, formatSpan, formatTime } from "./time";
import { formatValue, isTriggered } from "./value";

beforeEach(() => {
  i18n.global.setLocaleMessage("en", en);
  i18n.global.locale.value = "zh-CN";
});

it.each([
  [0.1423, "0.142"], [0, "0"], [21.53, "21.5"], [1234.5, "1235"], [-3.05, "-3.05"], [0.0004, "0"], [100, "100"], [Number.NaN, "—"],
])("writes %s as %s", (value, text) => expect(significant(value)).toBe(text));

it("writes values with units as people read them", () => {
  expect(formatValue("temperature", 21.5, "Cel")).toBe("21.5 °C");
  expect(formatValue("sos", 1, "0/1")).toBe("触发");
  expect([1, 0].map((there) => formatValue("mains_power", there, "1"))).toEqual(["正常", "中断"]);
  expect([1, 0].map((there) => isTriggered("mains_power", there))).toEqual([false, true]);
  expect([1, 0].map((signal) => isTriggered("sos", signal))).toEqual([true, false]);
  expect([1, 0].map((signal) => isTriggered("water_leak", signal))).toEqual([true, false]);
  expect([1, 0].map((there) => formatValue("occupancy", there, "1"))).toEqual(["有", "无"]);
  expect(isTriggered("occupancy", 1)).toBe(false);
  expect(isTriggered("temperature", 21.5)).toBe(false);
});

it("writes spans with at most two units", () => {
  expect(formatSpan(12_000)).toBe("12 秒");
  expect(formatSpan(200_000)).toBe("3 分 20 秒");
  expect(formatSpan(7_500_000)).toBe("2 小时 5 分");
  i18n.global.locale.value = "en";
  expect(formatSpan(4 * 86_400_000 + 3_600_000)).toBe("4 d 1 h");
  expect(formatAgo("2026-11-22T01:00:00Z", Date.parse("2026-11-22T01:00:30Z"))).toBe("30 s ago");
});

it("shows Beijing time whatever the computer is set to", () => {
  const at = "2026-11-22T17:02:03Z";
  expect(formatTime(at, "full")).toBe("2026-11-23 01:02:03");
  expect([formatTime(at, "day"), formatTime(at, "clock"), formatTime(at, "minute")]).toEqual(["11-23 01:02", "01:02:03", "01:02"]);
});

it("prefers the server's sentence and falls back to value and threshold", () => {
  const evidence = { quantity: "smoke_obscuration", value: 0.35, threshold: 0.12, unit: "dB/m" };
  expect(evidenceText({ ...evidence, text_zh: "烟雾超过阈值" })).toBe("烟雾超过阈值");
  expect(evidenceText(evidence)).toBe("烟雾减光 0.35 dB/m · 阈值 0.12 dB/m");
  expect(evidenceText({})).toBe("");
});

it("shows how fast it rose where that was judged", () => {
  const evidence = { quantity: "temperature", value: 24, score: 12, threshold: 8.3, unit: "Cel/min" };
  expect(evidenceText(evidence)).toBe("温度 12 °C/min · 阈值 8.3 °C/min");
});

it("names people without the prefix of the event log", () => {
  expect([actorName("user:王芳"), actorName("engine")]).toEqual(["王芳", "系统"]);
});

it("names floors above and below ground", () => {
  expect([floorName(2), floorName(-1)]).toEqual(["2 层", "地下 1 层"]);
});

/** The names between braces in every message, by its path. */
function parameters(messages: object, path = ""): [string, string][] {
  return Object.entries(messages).flatMap(([key, value]) =>
    typeof value === "string"
      ? [[`${path}${key}`, [...new Set(value.match(/\{\w+\}/g) ?? [])].sort().join()] as [string, string]]
      : parameters(value as object, `${path}${key}.`),
  );
}

it("has the same parameters in both languages", () => {
  expect(parameters(en)).toEqual(parameters(zhCN));
});
