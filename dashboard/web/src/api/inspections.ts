import type { AlertInstitution, Iso } from "./contract";
import type { Category, HazardState, Level, Named, Supervisor } from "./hazards";
import { get, write } from "./http";

export const WHICH = ["open", "planned", "begun", "concluded", "cancelled", "all"] as const;
export type Which = (typeof WHICH)[number];
export const OWN_KINDS = ["daily_patrol", "monthly_check", "self_check"] as const;
export const OUTSIDE_KINDS = ["surprise", "joint", "expert", "campaign"] as const;
export type InspectionKind = (typeof OWN_KINDS)[number] | (typeof OUTSIDE_KINDS)[number] | "random";
export type InspectionState = "planned" | "begun" | "concluded" | "cancelled";
export const OUTSIDE_DUTIES = ["leader", "expert", "officer"] as const;
export const OWN_DUTIES = ["leader", "member"] as const;
export type Duty = "leader" | "expert" | "officer" | "member";
export type Outcome = "pass" | "fail" | "not_applicable";
export type InspectionVerb = "plan" | "begin" | "answer" | "find" | "conclude" | "cancel" | "comment";

export interface Mate extends Named {
  duty: Duty;
}

export interface InspectionRow {
  id: string;
  /** None until it begins. */
  no: number | null;
  institution: AlertInstitution;
  kind: InspectionKind;
  own: boolean;
  unannounced: boolean;
  /** A day, like 2026-03-01. */
  planned_for: string;
  purpose: string;
  state: InspectionState;
  version: number;
  team: Mate[];
  begun_at: Iso | null;
  concluded_at: Iso | null;
  findings_count: number;
}

export interface InspectionItem {
  checklist_id: string;
  item_id: string;
  section_zh: string;
  section_en: string;
  zh: string;
  en: string;
  level: Level;
  clause: string;
  outcome: Outcome | null;
  note: string;
  person: Named | null;
  hazard_id: string | null;
  photos: string[];
  /** The number of the event it was answered by, 0 for none. */
  seq: number;
}

export interface InspectionFinding {
  hazard_id: string;
  hazard_no: number;
  level: Level;
  title: string;
  state: HazardState;
}

export interface InspectionDetail extends InspectionRow {
  planned_by: string;
  concluded_by: string | null;
  conclusion: string | null;
  record_sha256: string | null;
  items: InspectionItem[];
  findings: InspectionFinding[];
  /** What the reader may do now. */
  acts: InspectionVerb[];
}

export interface InspectionFigures {
  inspections: number;
  institutions_visited: number;
  findings: number;
  major: number;
  rectified: number;
  waiting: number;
  unassigned: number;
  with_deadline: number;
  overdue: number;
}

export interface Colleague {
  id: number;
  name: string;
  role: string;
  duty: Duty;
}

export interface InspectionFilter {
  which: Which;
  kind?: InspectionKind | undefined;
  mine?: boolean;
  campaign_id?: string;
  draw_id?: string;
  cursor?: string | undefined;
}

export interface NewInspection {
  institution_id: number;
  kind: InspectionKind;
  planned_for: string;
  team: { person_id: number; duty: Duty }[];
  checklists: string[];
  unannounced: boolean;
  purpose: string;
  campaign_id?: string;
}

export interface Seen {
  title: string;
  note: string;
  category: Category;
  level: Level;
  supervisor: Supervisor;
  photos: string[];
}

export function list({ mine, ...rest }: InspectionFilter): Promise<{ items: InspectionRow[]; total: number; next_cursor: string | null }> {
  return get("/inspections", { ...rest, ...(mine && { mine: "true" }) });
}

export function figures(): Promise<InspectionFigures> {
  return get("/inspections/figures");
}

export function inspection(id: string): Promise<InspectionDetail> {
  return get(`/inspections/${id}`);
}

export async function team(institutionId: number): Promise<Colleague[]> {
  return (await get<{ items: Colleague[] }>(`/inspections/team/${institutionId}`)).items;
}

export function plan(wanted: NewInspection): Promise<InspectionDetail> {
  return write("POST", "/inspections", wanted);
}

/** `path` is the last part of the route: "begin", "answers", "findings", "conclude", "cancel". */
export function act(id: string, path: string, body: object): Promise<InspectionDetail> {
  return write("POST", `/inspections/${id}/${path}`, body);
}
