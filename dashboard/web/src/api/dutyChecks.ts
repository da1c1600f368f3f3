import type { AlertInstitution, Iso } from "./contract";
import { get, write } from "./http";

export type DutyCheckState = "open" | "answered" | "missed";

/** A question to a duty desk: is somebody there? */
export interface DutyCheck {
  id: number;
  institution: AlertInstitution;
  called_at: Iso;
  due_at: Iso;
  answered_at: Iso | null;
  answered_by: string | null;
  /** "random" where the service asked by itself. */
  called_by: string;
  state: DutyCheckState;
}

export interface NewDutyCheck {
  institution_id: number;
  answer_within_s: number;
  note?: string;
}

export async function list(institutionId?: number): Promise<DutyCheck[]> {
  return (await get<{ items: DutyCheck[] }>("/duty-checks", { institution_id: institutionId })).items;
}

export function call(check: NewDutyCheck): Promise<DutyCheck> {
  return write("POST", "/duty-checks", check);
}

export function answer(id: number): Promise<DutyCheck> {
  return write("POST", `/duty-checks/${id}/answer`);
}
