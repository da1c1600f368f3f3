import type { Alert, Evidence } from "@/api/contract";
import { i18n, language, localName } from "@/i18n";
import { formatValue, quantityName } from "./value";

/** "1 层", "basement 2". */
export function floorName(floor: number): string {
  return floor < 0 ? i18n.global.t("zone.basement", { n: -floor }) : i18n.global.t("zone.floor", { n: floor });
}

/** The room; else the device that nobody has registered; else that the whole institution or Anhu itself is meant. */
export function roomName(alert: Alert): string {
  if (alert.unclaimed === "") return i18n.global.t("alert.unclaimedOthers");
  if (alert.unclaimed) return i18n.global.t("alert.unclaimed", { code: alert.unclaimed });
  if (alert.zone) return localName(alert.zone);
  return i18n.global.t(alert.institution ? "alert.wholeInstitution" : "alert.service");
}

/** The institution; empty where the alert is about Anhu itself. */
export function homeName(alert: Alert): string {
  return alert.institution ? localName(alert.institution) : "";
}

/** "安和养老院 · 厨房" for a title or a notification. */
export function placeLine(alert: Alert): string {
  return [homeName(alert), roomName(alert)].filter(Boolean).join(" · ");
}

/** What happened, with the mark of a drill before it. */
export function kindName(alert: Pick<Alert, "kind" | "drill">): string {
  const { t } = i18n.global;
  return alert.drill ? t("drill.marked", { kind: t(`kind.${alert.kind}`) }) : t(`kind.${alert.kind}`);
}

/** The sentence that says why: the server's own in the reader's language, else value and threshold. */
export function evidenceText(evidence: Evidence): string {
  const text = language.value === "en" ? evidence.text_en : evidence.text_zh;
  if (text) return text;
  const { quantity, threshold, unit } = evidence;
  const value = evidence.score ?? evidence.value;
  if (!quantity || typeof value !== "number") return "";
  const { t } = i18n.global;
  const measured = `${quantityName(quantity)} ${formatValue(quantity, value, unit ?? "")}`;
  if (typeof threshold !== "number") return measured;
  return `${measured} · ${t("chart.threshold", { value: formatValue(quantity, threshold, unit ?? "") })}`;
}
