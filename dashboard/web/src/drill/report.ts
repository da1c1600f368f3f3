import type { Language } from "@/i18n";

export interface ReportLine {
  name: string;
  text: string;
}

const OTHER: Record<Language, string> = { "zh-CN": "_en", en: "_zh" };

function text(value: unknown): string {
  if (Array.isArray(value)) return value.map(text).join("、");
  if (value !== null && typeof value === "object") {
    return Object.entries(value).map(([key, each]) => `${key}: ${text(each)}`).join(", ");
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A report's entries, flat, without empty ones and without those written for readers of the other language. */
export function reportLines(report: Record<string, unknown> | null, language: Language): ReportLine[] {
  return Object.entries(report ?? {})
    .filter(([name, value]) => value !== null && value !== "" && !name.endsWith(OTHER[language]))
    .map(([name, value]) => ({ name: name.replace(/_(zh|en)$/, ""), text: text(value) }));
}
