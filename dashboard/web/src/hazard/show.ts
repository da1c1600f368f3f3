import type { HazardDetail, HazardEvent, HazardRow, HazardVerb, Standing } from "@/api/hazards";
import { actorName } from "@/format/actor";
import { formatSpan } from "@/format/time";
import { i18n, language } from "@/i18n";

const DIGITS = 6;

/** "YH-000123": how the ledger's number is said and searched for. */
export function hazardNumber(no: number): string {
  return `YH-${String(no).padStart(DIGITS, "0")}`;
}

/** The title in the reader's language, where a rule wrote it in both. */
export function hazardTitle(hazard: Pick<HazardRow, "title" | "title_en">): string {
  return language.value === "en" && hazard.title_en ? hazard.title_en : hazard.title;
}

export const TONES: Record<Standing, string> = {
  overdue: "tone-critical", assign_late: "tone-critical", due_soon: "tone-high", unassigned: "tone-medium", waiting: "tone-low", in_time: "tone-advisory", closed: "tone-normal",
  withdrawn: "tone-advisory",
};

/** How much time is left, or by how much it is overdue: to rectify it, or to assign it; "" where time does not count now. */
export function timeLeft(hazard: Pick<HazardRow, "state" | "deadline" | "assign_by">, nowMs: number): string {
  const until = hazard.state === "assigned" ? hazard.deadline : hazard.assign_by;
  if (!until) return "";
  const leftMs = Date.parse(until) - nowMs;
  return i18n.global.t(leftMs < 0 ? "hazard.overdueBy" : "hazard.left", { span: formatSpan(Math.abs(leftMs)) });
}

/** What an entry of the history is called: a recheck by its outcome. */
export function eventName(event: Pick<HazardEvent, "verb" | "passed">): string {
  const key = event.verb === "recheck" ? (event.passed ? "passed" : "failed") : event.verb;
  return i18n.global.t(`hazard.verb.${key}`);
}

/** Who did it: a person by name, the policy as such. */
export function eventActor(event: Pick<HazardEvent, "person" | "actor">): string {
  if (event.person) return event.person.name;
  return event.actor === "policy" ? i18n.global.t("hazard.policyActor") : actorName(event.actor);
}

export type ActKind = "assign" | "rectify" | "recheck" | "close" | "ask_extension" | "extend" | "propose" | "comment" | "withdraw";
const ORDER: readonly ActKind[] = ["assign", "rectify", "recheck", "close", "extend", "ask_extension", "propose", "comment", "withdraw"];

/** The acts to offer, the one that moves the hazard on first; granting and refusing are one decision. */
export function offered(acts: readonly HazardVerb[]): ActKind[] {
  const decides = acts.includes("extend") || acts.includes("refuse_extension");
  return ORDER.filter((each) => (each === "extend" ? decides : acts.includes(each)));
}

/** The act that moves the hazard on to its next state, if the reader may do it. */
export function leading(hazard: Pick<HazardDetail, "state" | "acts">): ActKind | null {
  const next = { reported: "assign", assigned: "rectify", rectified: "recheck", rechecked: "close", closed: null, withdrawn: null } as const;
  const act = next[hazard.state];
  return act && hazard.acts.includes(act) ? act : null;
}
