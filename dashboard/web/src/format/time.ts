import { i18n } from "@/i18n";

/** Records of a Chinese institution are in Beijing time, whatever the computer is set to. */
const TIME_ZONE = "Asia/Shanghai";

/** "2026-11-22 09:44:58": the Swedish way of writing a time is the ISO one. */
const formatter = new Intl.DateTimeFormat("sv-SE", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  hourCycle: "h23", timeZone: TIME_ZONE,
});

const PARTS = { full: [0, 19], date: [0, 10], day: [5, 16], clock: [11, 19], minute: [11, 16] } as const;

/** A point in time (ms or ISO) in Beijing time, whole or only the part that matters. */
export function formatTime(at: number | string, part: keyof typeof PARTS): string {
  return formatter.format(typeof at === "string" ? Date.parse(at) : at).slice(...PARTS[part]);
}

/** A length of time with at most two units: "3 min 20 s", "2 h 5 min", "4 d 1 h". */
export function formatSpan(spanMs: number): string {
  const { t } = i18n.global;
  const seconds = Math.max(0, Math.floor(spanMs / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (minutes < 1) return t("time.seconds", { n: seconds });
  if (minutes < 10 && seconds % 60) return t("time.minutesSeconds", { m: minutes, s: seconds % 60 });
  if (hours < 1) return t("time.minutes", { n: minutes });
  if (hours < 24) return minutes % 60 ? t("time.hoursMinutes", { h: hours, m: minutes % 60 }) : t("time.hours", { n: hours });
  return hours % 24 ? t("time.daysHours", { d: days, h: hours % 24 }) : t("time.days", { n: days });
}

export function formatAgo(at: string, nowMs: number): string {
  const spanMs = nowMs - Date.parse(at);
  return spanMs < 1000 ? i18n.global.t("time.now") : i18n.global.t("time.ago", { span: formatSpan(spanMs) });
}
