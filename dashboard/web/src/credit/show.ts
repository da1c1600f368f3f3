import type { CreditEvent, CreditRow, CreditVerb } from "@/api/creditLists";
import { actorName } from "@/format/actor";
import { i18n, language } from "@/i18n";

const DIGITS = 6;

/** "XY-000012": how an entry's number is said; a proposal has none yet. */
export function entryNumber(no: number | null): string {
  return no === null ? i18n.global.t("credit.unnumbered") : `XY-${String(no).padStart(DIGITS, "0")}`;
}

/** Why, in the reader's language. */
export function reason(entry: Pick<CreditRow, "reason_zh" | "reason_en">): string {
  return language.value === "en" ? entry.reason_en : entry.reason_zh;
}

/** Who did it: a person by name, the service as such. */
export function eventActor(event: Pick<CreditEvent, "person" | "actor">): string {
  if (event.person) return event.person.name;
  return event.actor === "policy" ? i18n.global.t("credit.system") : actorName(event.actor);
}

export type ActKind = "notify" | "deliver" | "list" | "drop" | "appeal" | "decide_appeal" | "ask_repair" | "decide_repair" | "revoke";
const ORDER: readonly ActKind[] = ["notify", "deliver", "list", "decide_appeal", "appeal", "decide_repair", "ask_repair", "drop", "revoke"];
/** Granting and refusing are one decision. */
const MADE_OF: Partial<Record<ActKind, readonly CreditVerb[]>> = {
  decide_appeal: ["grant_appeal", "reject_appeal"],
  decide_repair: ["remove", "refuse_repair"],
};

/** The acts to offer, the one that moves the entry on first. */
export function offered(acts: readonly CreditVerb[]): ActKind[] {
  return ORDER.filter((each) => (MADE_OF[each] ?? [each as CreditVerb]).some((verb) => acts.includes(verb)));
}

/** What the state means now: a window that is over, an objection that was decided. */
export function standingKey(entry: Pick<CreditRow, "state" | "appeal_until" | "appeal_rejected_at">, nowMs: number): string {
  if (entry.state === "delivered" && entry.appeal_rejected_at) return "credit.heard";
  if (entry.state === "delivered" && entry.appeal_until && Date.parse(entry.appeal_until) <= nowMs) return "credit.windowOver";
  return `credit.state.${entry.state}`;
}

const DAY_MS = 86_400_000;

/** The last day of a window or term that ends at `until`: a window ends at midnight, and its last day is the one before. */
export function lastDayMs(until: string): number {
  return Date.parse(until) - 1000;
}

/** When a notice of that day ("2026-03-02", Beijing) was delivered: at the end of it, or just now. */
export function deliveredAt(day: string, nowMs: number): string {
  return new Date(Math.min(Date.parse(`${day}T00:00:00+08:00`) + DAY_MS - 1000, nowMs)).toISOString();
}
