import type { InstitutionKind, Iso } from "./contract";
import { address, authorised, get, write } from "./http";

export type Value = string | number | boolean | null;
export type Row = Record<string, Value>;

export interface Words {
  zh: string;
  en: string;
}

export interface Field extends Words {
  name: string;
  kind: "text" | "choice" | "day" | "count" | "yes";
  required: boolean;
  choices: (Words & { value: string })[];
  length_max: number;
  least: number;
  most: number;
}

export interface Section extends Words {
  name: string;
  rows_max: number;
  fields: Field[];
}

export interface Place {
  id: number;
  code: string;
  name: string;
  name_en: string;
  kind: InstitutionKind;
  region: string;
}

export interface Kept {
  version: number;
  rows: Row[];
  changed_at: Iso | null;
  changed_by: string;
}

export interface Point extends Words {
  key: string;
  section: string;
  points: number;
  met: boolean;
  reason_zh: string;
  reason_en: string;
}

export type Outcome = "rectified" | "mistaken";

export interface FireGap {
  id: number;
  title: string;
  found_on: string;
  due_on: string | null;
  opened_at: Iso;
  opened_by: string;
  outcome: Outcome | null;
  closed_on: string | null;
  note: string;
  closed_at: Iso | null;
  closed_by: string | null;
}

export interface FileDetail {
  institution: Place;
  sections: Record<string, Kept>;
  gaps: FireGap[];
  practice: { plan_cards: number; drills_passed: number; last_drill_at: Iso | null };
  completeness: { points: number; possible: number; percent: number; items: Point[] };
  may_write: boolean;
  may_close_gaps: boolean;
}

export interface FilePage {
  items: { institution: Place; ownership: "public" | "private" | null; percent: number; missing: string[]; open_gaps: number; changed_at: Iso | null }[];
  total: number;
  mean_percent: number;
}

export interface FirePage {
  items: {
    institution: Place;
    state: string | null;
    known_count: number;
    open_count: number;
    due_on: string | null;
    cleared_on: string | null;
    overdue: boolean;
  }[];
  total: number;
  known: number;
  left: number;
  unsaid: number;
  open_gaps: number;
}

export interface Change {
  section: string;
  version: number;
  rows: Row[];
  at: Iso;
  actor: string;
  door: "page" | "workbook";
}

const BASE = "/institution-files";

export function list(query: { q: string; offset: number; limit: number }): Promise<FilePage> {
  return get(BASE, query);
}

export async function catalogue(): Promise<Section[]> {
  return (await get<{ sections: Section[] }>(`${BASE}/catalogue`)).sections;
}

export function fire(query: { offset: number; limit: number }): Promise<FirePage> {
  return get(`${BASE}/fire-acceptance`, query);
}

export function file(id: number): Promise<FileDetail> {
  return get(`${BASE}/${id}`);
}

export async function history(id: number): Promise<Change[]> {
  return (await get<{ items: Change[] }>(`${BASE}/${id}/history`)).items;
}

/** Writes a section anew. Rejects with 409 where somebody else was faster. */
export function save(id: number, section: string, version: number, rows: Row[]): Promise<FileDetail> {
  return write("PUT", `${BASE}/${id}/sections/${section}`, { version, rows });
}

export function openGap(id: number, gap: { title: string; found_on: string; due_on: string | null }): Promise<FileDetail> {
  return write("POST", `${BASE}/${id}/fire-gaps`, gap);
}

export function closeGap(gap: number, closing: { outcome: Outcome; closed_on: string; note: string }): Promise<FileDetail> {
  return write("POST", `${BASE}/fire-gaps/${gap}/close`, closing);
}

/** Where the Excel workbook is, of one institution or of all. */
export function workbookAddress(english: boolean, id?: number): string {
  return address(`${BASE}/workbook`, { lang: english ? "en" : "zh", institution_id: id });
}

/** Takes a filled-in workbook in: everything, or nothing. Rejects with 422 and every error. */
export async function take(workbook: Blob): Promise<{ institutions: number; sections: number }> {
  return (await (await authorised("POST", address(`${BASE}/workbook`), workbook)).json()) as { institutions: number; sections: number };
}
