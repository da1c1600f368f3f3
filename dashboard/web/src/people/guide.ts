import type { Language } from "@/i18n";
import type { Role } from "@/api/people";

/** The guide of docs/zh and docs/en that is written for each role. */
const GUIDES: Record<Role, string> = {
  operator: "operator",
  safety_officer: "operator",
  institution_manager: "operator",
  inspector: "inspector",
  expert: "inspector",
  supervisor: "supervisor",
  auditor: "supervisor",
  administrator: "administrator",
};

/** Where it is: docs/help_pages.py puts the guides into the built page. */
export function guideOf(role: Role, language: Language): string {
  return `/help/${language === "en" ? "en" : "zh"}/${GUIDES[role]}.html`;
}
