import type { Scope } from "@/api/people";
import { i18n, language, localName } from "@/i18n";
import { live } from "@/live/store";
import { regionName } from "./region";

/** How far somebody reaches, in words: an institution's name, a region, or everywhere. */
export function scopeName(scope: Scope): string {
  const { t } = i18n.global;
  if (scope.institution_id !== null) {
    const institution = live.institutionById(scope.institution_id);
    return institution ? localName(institution) : t("scope.institution", { id: scope.institution_id });
  }
  return scope.region ? regionName(scope.region, language.value === "en") : t("scope.everywhere");
}
