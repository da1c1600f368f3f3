import type { Iso } from "./contract";
import { get, write } from "./http";
import type { RatingRecord, RatingRow } from "./ratings";

export const KINDS = ["red", "watch", "black"] as const;
export type ListKind = (typeof KINDS)[number];
export const WHICH = ["open", "standing", "ended", "all"] as const;
export type Which = (typeof WHICH)[number];
export type CreditState = "proposed" | "notified" | "delivered" | "appealed" | "listed" | "contested" | "removed" | "dropped";
/** The road of an entry as the page shows it. */
export const STEPS = ["proposed", "notified", "delivered", "listed", "removed"] as const;
export const DELIVERIES = ["in_person", "post", "electronic", "left"] as const;
export type Delivery = (typeof DELIVERIES)[number];
export type CreditEnd = "decision" | "appeal" | "term" | "repair" | "revoked";
export type CreditVerb =
  | "propose" | "drop" | "notify" | "deliver" | "appeal" | "grant_appeal" | "reject_appeal" | "list" | "prolong" | "ask_repair" | "refuse_repair"
  | "remove" | "revoke";
export const DUE = ["overdue", "due_soon", "in_time"] as const;
export type DueStanding = (typeof DUE)[number];

export interface CreditRow {
  id: string;
  /** Given with the notice. */
  no: number | null;
  institution: RatingRow["institution"];
  kind: ListKind;
  state: CreditState;
  /** On the list. */
  standing: boolean;
  version: number;
  reason_zh: string;
  reason_en: string;
  proposed_at: Iso;
  proposed_by: string;
  notified_at: Iso | null;
  delivered_at: Iso | null;
  appeal_until: Iso | null;
  appeal_rejected_at: Iso | null;
  listed_at: Iso | null;
  until: Iso | null;
  repair_from: Iso | null;
  repair_asked_at: Iso | null;
  ended_at: Iso | null;
  end: CreditEnd | null;
}

export interface CreditPage {
  items: CreditRow[];
  total: number;
  counts: { kind: ListKind; state: CreditState; count: number }[];
  next_cursor: string | null;
}

export interface CreditFacts {
  as_of: Iso;
  policy: string;
  grade: string;
  ratings: number;
  since: Iso;
  zh: string;
  en: string;
  clause: string;
  vetoes: { id: string; zh: string; en: string }[];
  records: RatingRecord[];
}

export interface CreditEvent {
  seq: number;
  verb: CreditVerb;
  at: Iso;
  actor: string;
  person: { id: number; name: string } | null;
  outside: boolean;
  note: string;
  photos: string[];
  delivered_at: Iso | null;
  delivery: Delivery | null;
  breach_at: Iso | null;
  facts: CreditFacts | null;
  end: CreditEnd | null;
  paper: boolean;
}

export interface CreditDetail extends CreditRow {
  term_months: number | null;
  appeal_days: number | null;
  inspections_per_year: number | null;
  risk_factor: number | null;
  facts: CreditFacts | null;
  events: CreditEvent[];
  acts: CreditVerb[];
}

export interface PaperText {
  title: string;
  number: string;
  addressee: string;
  paragraphs: string[];
  signer: string;
  day: string;
}

export interface CreditPaper {
  institution: string;
  zh: PaperText;
  en: PaperText;
}

export interface CreditList {
  kind: ListKind;
  zh: string;
  en: string;
  term_months: number;
  appeal_days: number;
  repair_after_months: number | null;
  inspections_per_year: number;
  risk_factor: number;
  /** The source of a figure by its name; a figure without one is Anhu's default. */
  clauses: Record<string, string>;
}

export interface CreditCriteria {
  version: string;
  visits_per_year_min: number;
  visits_clause: string;
  due_soon_days: number;
  lists: CreditList[];
  criteria: { id: string; kind: ListKind; zh: string; en: string; clause: string; grades: string[]; vetoes: string[]; ratings_min: number }[];
}

export interface DueVisit {
  institution: RatingRow["institution"];
  grade: string | null;
  list_kind: ListKind | null;
  visits_per_year: number;
  because: "list" | "grade" | "law";
  days_between: number;
  last_visit_at: Iso | null;
  planned_for: Iso | null;
  due_at: Iso;
  standing: DueStanding;
  days_late: number;
}

export interface DueVisitPage {
  items: DueVisit[];
  total: number;
  counts: Partial<Record<DueStanding, number>>;
  due_soon_days: number;
}

export function list(filter: { kind?: string; which?: string; institution_id?: number; cursor?: string }): Promise<CreditPage> {
  return get("/credit-lists", { ...filter, limit: 50 });
}

export function criteria(): Promise<CreditCriteria> {
  return get("/credit-lists/criteria");
}

export function entry(id: string): Promise<CreditDetail> {
  return get(`/credit-lists/${id}`);
}

export function paper(id: string, seq: number): Promise<CreditPaper> {
  return get(`/credit-lists/${id}/papers/${seq}`);
}

export function propose(made: { institution_id: number; kind: ListKind; reason: string }): Promise<CreditDetail> {
  return write("POST", "/credit-lists", made);
}

export function act(id: string, name: string, body: object): Promise<CreditDetail> {
  return write("POST", `/credit-lists/${id}/${name}`, body);
}

export function dueVisits(filter: { standing?: string; q?: string; offset: number; limit: number }): Promise<DueVisitPage> {
  return get("/visits-due", filter);
}
