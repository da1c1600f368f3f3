import type { InstitutionKind } from "./contract";
import type { Level } from "./hazards";
import { get } from "./http";

export type Wording = "quoted" | "summary" | "reported" | "missing";
export type Evidence = "photo" | "document" | "record" | "test" | "interview" | "sensor";
export type Purpose = "major_hazards" | "duties" | "protections" | "self_check" | "seasonal";

export interface ChecklistRow {
  id: string;
  version: string;
  purpose: Purpose;
  title_zh: string;
  title_en: string;
  source_zh: string;
  source_en: string;
  /** Kinds of institutions it is for; empty: every kind. */
  kinds: InstitutionKind[];
  items_count: number;
  reported_count: number;
  missing_count: number;
}

export interface ChecklistItem {
  id: string;
  section: string;
  wording: Wording;
  zh: string;
  en: string;
  level: Level;
  clause: string;
  evidence: Evidence[];
  source: string | null;
}

export interface ChecklistDetail extends ChecklistRow {
  sections: { id: string; title_zh: string; title_en: string }[];
  items: ChecklistItem[];
}

/** Whether a list is for one of these kinds of institutions; none of them named means any. */
export function suits({ kinds }: Pick<ChecklistRow, "kinds">, institutions: readonly InstitutionKind[]): boolean {
  return !kinds.length || !institutions.length || institutions.some((each) => kinds.includes(each));
}

export async function list(): Promise<ChecklistRow[]> {
  return (await get<{ items: ChecklistRow[] }>("/checklists")).items;
}

export function checklist(id: string): Promise<ChecklistDetail> {
  return get(`/checklists/${id}`);
}
