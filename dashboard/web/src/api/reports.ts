import type { Language } from "@/i18n";
import { addressOf, call, type Given, type Shapes } from "./call";
import { every } from "./every";

export type Report = Shapes["Report"];
export type Kind = Report["kind"];
export const KINDS = every<Kind>()("ledger", "bulletin", "campaign", "year", "notice");
export type Block = Report["blocks"][number];
export type Table = Shapes["ReportTable"];
export type Figures = Shapes["ReportFigures"];
export type Version = Shapes["ReportVersion"];
export type Change = Shapes["ReportChange"];
/** What was signed of a monthly ledger: `sha256` is that of the content now, `valid` whether the newest version is this. */
export type Signing = Shapes["ReportSigning"];
/** What a report is about: the days, or one hazard, inspection or campaign. */
export type Wanted = Omit<NonNullable<Given<"GET", "/api/reports/{report}">["query"]>, "lang">;

function code(lang: Language): "zh" | "en" {
  return lang === "en" ? "en" : "zh";
}

export function report(kind: Kind, wanted: Wanted, lang: Language): Promise<Report> {
  return call("GET", "/api/reports/{report}", { path: { report: kind }, query: { ...wanted, lang: code(lang) } });
}

/** Where the Excel file is. */
export function fileAddress(kind: Kind, wanted: Wanted, lang: Language): string {
  return addressOf("/api/reports/{report}/file", { path: { report: kind }, query: { ...wanted, lang: code(lang) } });
}

/** A version as it was signed. */
export function version(id: number, lang: Language): Promise<Report> {
  return call("GET", "/api/reports/ledger/versions/{version_id}", { path: { version_id: id }, query: { lang: code(lang) } });
}

export function versionFileAddress(id: number, lang: Language): string {
  return addressOf("/api/reports/ledger/versions/{version_id}/file", { path: { version_id: id }, query: { lang: code(lang) } });
}

/** Signs the ledger as it was seen. Rejects with 409 when the facts have changed since, or one has signed already. */
export function sign(days: { first: string; last: string }, institutionId: number | null, sha256: string, note: string): Promise<Version> {
  return call("POST", "/api/reports/ledger/signatures", { body: { ...days, institution_id: institutionId, sha256, note } });
}

export async function campaigns(): Promise<Shapes["Campaign"][]> {
  return (await call("GET", "/api/campaigns")).items;
}
