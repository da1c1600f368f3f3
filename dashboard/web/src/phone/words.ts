import { i18n } from "@/i18n";
import type { Deed, Their } from "@/api/phone";

/** One version of what was found, as it is set beside another. */
export interface Version {
  outcome: string;
  words: string;
  photos: string[];
}

function outcomeOf(outcome: string | null | undefined, passed: boolean | null | undefined): string {
  const { t } = i18n.global;
  if (outcome) return t(`inspection.outcome.${outcome}`);
  return passed === null || passed === undefined ? "" : t(passed ? "hazard.form.passed" : "hazard.form.failed");
}

/** What one did oneself. */
export function mine(deed: Deed): Version {
  const words = [
    "title" in deed ? deed.title : "", "note" in deed ? deed.note : "", "detail" in deed ? deed.detail : "", "conclusion" in deed ? deed.conclusion : "",
  ].filter(Boolean).join("\n");
  return {
    outcome: outcomeOf("outcome" in deed ? deed.outcome : null, "passed" in deed ? deed.passed : null), words,
    photos: "photos" in deed ? (deed.photos ?? []) : [],
  };
}

/** What somebody else did meanwhile. */
export function theirs(their: Their): Version {
  const { t } = i18n.global;
  const named = outcomeOf(their.outcome, their.passed);
  const verb = `hazard.verb.${their.verb}`;
  const fallback = their.verb === "find" ? t("inspection.find") : t(verb);
  return { outcome: named || fallback, words: their.note, photos: their.photos };
}
