import type { AlertDevice, AlertInstitution, AlertZone, Iso } from "./contract";
import { authorised, address, get, write } from "./http";
import type { Role } from "./people";

export const WHICH = ["open", "unassigned", "overdue", "due_soon", "waiting", "bulletin", "closed", "withdrawn", "all"] as const;
export type Which = (typeof WHICH)[number];
/** The steps of the road; a report that was a mistake leaves it. */
export const STATES = ["reported", "assigned", "rectified", "rechecked", "closed"] as const;
export type HazardState = (typeof STATES)[number] | "withdrawn";
export const LEVELS = ["general", "major"] as const;
export type Level = (typeof LEVELS)[number];
export const SUPERVISORS = ["head", "deputy", "department"] as const;
/** Red, yellow, blue in the ledger. */
export type Supervisor = (typeof SUPERVISORS)[number];
export const CATEGORIES = ["fire", "electrical", "gas", "building", "equipment", "food", "management", "service", "other"] as const;
export type Category = (typeof CATEGORIES)[number];
export const PROPOSALS = ["suspend", "close", "merge", "convert"] as const;
export type Proposal = (typeof PROPOSALS)[number];
export type Standing = "closed" | "withdrawn" | "unassigned" | "assign_late" | "in_time" | "due_soon" | "overdue" | "waiting";
export type ProofReason = "proven" | "not_rectified" | "still_failing" | "failed_again" | "silent" | "too_soon";
export type HazardVerb =
  | "report" | "assign" | "rectify" | "recheck" | "close" | "ask_extension" | "extend" | "refuse_extension"
  | "propose" | "comment" | "remind" | "escalate" | "withdraw";

export interface Named {
  id: number;
  name: string;
}

export interface HazardRow {
  id: string;
  no: number;
  institution: AlertInstitution;
  zone: AlertZone | null;
  device: AlertDevice | null;
  origin: "person" | "sensor" | "inspection";
  category: Category;
  level: Level;
  supervisor: Supervisor;
  title: string;
  title_en: string;
  state: HazardState;
  standing: Standing;
  version: number;
  occurrence: number;
  failures: number;
  /** Until when somebody has to be given it, as long as nobody was. */
  assign_by: Iso | null;
  deadline: Iso | null;
  assignee: Named | null;
  reported_at: Iso;
  reported_by: string;
  closed_at: Iso | null;
  withdrawn_at: Iso | null;
  extension_asked: boolean;
  on_bulletin: boolean;
  proposal: Proposal | null;
}

export interface HazardPage {
  items: HazardRow[];
  total: number;
  next_cursor: string | null;
}

export interface HazardSummary {
  open: number;
  unassigned: number;
  /** Of those, how many should have been given to somebody by now. */
  assign_late: number;
  overdue: number;
  due_soon: number;
  waiting: number;
  bulletin: number;
  closed: number;
  withdrawn: number;
  major: number;
  red: number;
  yellow: number;
  blue: number;
  extensions_asked: number;
  proposals: number;
}

export interface HazardOptions {
  policy: string;
  terms: { id: string; hours: number; zh: string; en: string }[];
  /** "major.head" → the id of a term. */
  defaults: Record<string, string>;
  extension_days_max: number;
}

export interface HazardProof {
  reason: ProofReason;
  holds: boolean;
  active: boolean;
  raised: number;
  readings: number;
  last_reading_at: Iso | null;
  observe_hours: number;
  enough_at: Iso | null;
}

export interface HazardEvent {
  seq: number;
  verb: HazardVerb;
  at: Iso;
  actor: string;
  person: Named | null;
  outside: boolean;
  passed: boolean | null;
  note: string;
  photos: string[];
  assignee: Named | null;
  deadline: Iso | null;
  until: Iso | null;
  level: Level | null;
  supervisor: Supervisor | null;
  proposal: Proposal | null;
  to: Role[];
  proof: ProofReason | null;
  /** When it was done, where it was done on a phone without signal and arrived later. */
  done_at: Iso | null;
}

export interface HazardDetail extends HazardRow {
  detail: string;
  clause: string;
  item: { checklist_id: string; item_id: string; title_zh: string; title_en: string; zh: string; en: string } | null;
  alert_id: string | null;
  repeat_of: { id: string; no: number } | null;
  term: string | null;
  assigned_at: Iso | null;
  rectified_at: Iso | null;
  rechecked_at: Iso | null;
  extension: { until: Iso; asked_at: Iso; asker: Named } | null;
  extensions: number;
  ripe: "not_yet" | "overdue" | "failed" | "proposed";
  proof: HazardProof | null;
  events: HazardEvent[];
  /** What the reader may do now. */
  acts: HazardVerb[];
}

export interface HazardFilter {
  which: Which;
  institution_id?: number;
  level?: Level | undefined;
  supervisor?: Supervisor | undefined;
  category?: Category | undefined;
  mine?: boolean;
  q?: string;
  cursor?: string | undefined;
  limit?: number;
}

export interface NewHazard {
  institution_id: number;
  title: string;
  detail: string;
  category: Category;
  level: Level;
  supervisor: Supervisor;
  zone_id?: number;
  checklist_id?: string;
  item_id?: string;
  photos: string[];
}

export interface Assignee {
  id: number;
  name: string;
  role: Role;
}

export function list(filter: HazardFilter): Promise<HazardPage> {
  const { mine, ...rest } = filter;
  return get("/hazards", { ...rest, ...(mine && { mine: "true" }) });
}

export function summary(): Promise<HazardSummary> {
  return get("/hazards/summary");
}

export function options(): Promise<HazardOptions> {
  return get("/hazards/options");
}

export function hazard(id: string): Promise<HazardDetail> {
  return get(`/hazards/${id}`);
}

export async function assignees(id: string): Promise<Assignee[]> {
  return (await get<{ items: Assignee[] }>(`/hazards/${id}/assignees`)).items;
}

export function report(hazard: NewHazard): Promise<HazardDetail> {
  return write("POST", "/hazards", hazard);
}

/** `path` is the last part of the route: "assign", "extension/decision". */
export function act(id: string, path: string, body: object): Promise<HazardDetail> {
  return write("POST", `/hazards/${id}/${path}`, body);
}

export async function upload(institutionId: number, picture: Blob): Promise<string> {
  const answer = await authorised("POST", address("/hazards/photos", { institution_id: institutionId }), picture);
  return ((await answer.json()) as { id: string }).id;
}

export function photoUrl(id: string): string {
  return `/api/hazards/photos/${id}`;
}
