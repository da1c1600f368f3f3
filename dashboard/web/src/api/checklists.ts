import { call, type Shapes } from "./call";
import type { InstitutionKind } from "./contract";

/** `kinds` are those of the institutions it is for; empty: every kind. */
export type ChecklistRow = Shapes["ChecklistRow"];
export type ChecklistItem = Shapes["ChecklistItem"];
export type ChecklistDetail = Shapes["ChecklistDetail"];
export type Wording = ChecklistItem["wording"];
export type Evidence = ChecklistItem["evidence"][number];
export type Purpose = ChecklistRow["purpose"];

/** Whether a list is for one of these kinds of institutions; none of them named means any. */
export function suits({ kinds }: Pick<ChecklistRow, "kinds">, institutions: readonly InstitutionKind[]): boolean {
  return !kinds.length || !institutions.length || institutions.some((each) => kinds.includes(each));
}

export async function list(): Promise<ChecklistRow[]> {
  return (await call("GET", "/api/checklists")).items;
}

export function checklist(id: string): Promise<ChecklistDetail> {
  return call("GET", "/api/checklists/{checklist_id}", { path: { checklist_id: id } });
}
