import type { Language } from "@/i18n";
import { address, get, write, type Query } from "./http";

export const KINDS = ["ledger", "bulletin", "campaign", "year", "notice"] as const;
export type Kind = (typeof KINDS)[number];

export interface Table {
  type: "table";
  title: string;
  columns: { title: string; width: number }[];
  rows: (string | number | null)[][];
  empty: string;
}

export interface Figures {
  type: "figures";
  title: string;
  items: { label: string; value: number }[];
}

export type Block = Table | Figures | { type: "prose"; paragraphs: string[] } | { type: "signature_lines"; labels: string[] };

export interface Version {
  id: number;
  version: number;
  sha256: string;
  made_at: string;
  signatures: { person_id: number; name: string; signed_at: string; note: string }[];
}

export interface Change {
  no: number;
  what: "added" | "removed" | "changed";
  columns: string[];
}

/** What was signed of a monthly ledger: `sha256` is that of the content now, `valid` whether the newest version is this. */
export interface Signing {
  sha256: string;
  valid: boolean;
  may_sign: boolean;
  versions: Version[];
  changes: Change[];
}

export interface Report {
  kind: Kind;
  language: "zh" | "en";
  title: string;
  heads: string[];
  landscape: boolean;
  blocks: Block[];
  signing: Signing | null;
}

/** What a report is about: the days, or one hazard, inspection or campaign. */
export interface Wanted {
  from?: string;
  to?: string;
  institution_id?: number;
  hazard_id?: string;
  inspection_id?: string;
  campaign_id?: string;
}

function code(lang: Language): "zh" | "en" {
  return lang === "en" ? "en" : "zh";
}

function query(wanted: Wanted, lang: Language): Query {
  return { ...wanted, lang: code(lang) };
}

export function report(kind: Kind, wanted: Wanted, lang: Language): Promise<Report> {
  return get(`/reports/${kind}`, query(wanted, lang));
}

/** Where the Excel file is. */
export function fileAddress(kind: Kind, wanted: Wanted, lang: Language): string {
  return address(`/reports/${kind}/file`, query(wanted, lang));
}

/** A version as it was signed. */
export function version(id: number, lang: Language): Promise<Report> {
  return get(`/reports/ledger/versions/${id}`, { lang: code(lang) });
}

export function versionFileAddress(id: number, lang: Language): string {
  return address(`/reports/ledger/versions/${id}/file`, { lang: code(lang) });
}

/** Signs the ledger as it was seen. Rejects with 409 when the facts have changed since, or one has signed already. */
export function sign(wanted: Wanted, sha256: string, note: string): Promise<Version> {
  return write("POST", "/reports/ledger/signatures", {
    first: wanted.from, last: wanted.to, institution_id: wanted.institution_id ?? null, sha256, note,
  });
}

export interface Campaign {
  id: string;
  no: number;
  theme: string;
}

export async function campaigns(): Promise<Campaign[]> {
  return (await get<{ items: Campaign[] }>("/campaigns")).items;
}
