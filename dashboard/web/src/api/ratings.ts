import type { Iso } from "./contract";
import { get, write } from "./http";

export const LEVELS = {
  accident: ["general", "larger", "major", "extreme"],
  penalty: ["warning", "fine", "suspension", "revocation"],
  concealment: [],
  honour: ["county", "city", "province", "state"],
  standard: ["1", "2", "3"],
  star: ["1", "2", "3", "4", "5"],
  commitment: [],
  training: [],
  drill: [],
} as const;
export type NewKind = keyof typeof LEVELS;
export type RecordKind = NewKind | "withdrawal" | "repair";
/** What is valid until a day. */
export const LIMITED: readonly RecordKind[] = ["standard", "star", "commitment"];
/** What an institution can make good. */
export const REPAIRABLE: readonly RecordKind[] = ["accident", "penalty", "concealment"];

export interface RatingRow {
  institution: { id: number; code: string; name: string; name_en: string; kind: string; region: string };
  as_of: Iso | null;
  score: number | null;
  grade: string | null;
  earlier_grade: string | null;
  /** In grades; above 0 better. */
  change: number | null;
  inspections_per_year: number | null;
}

export interface RatingPage {
  items: RatingRow[];
  total: number;
  grades: Record<string, number>;
  regions: Record<string, number>;
  change_days: number;
}

export interface RatingRecord {
  table: "hazards" | "alerts" | "duty_checks" | "drills" | "safety_records" | "inspections";
  id: string;
  at: Iso;
}

export interface RatingLine {
  record: RatingRecord | null;
  points: number;
  full: number;
  factor: number;
  times: number;
}

interface Said {
  id: string;
  zh: string;
  en: string;
  clause: string;
}

export interface RatingReason extends Said {
  section_zh: string;
  section_en: string;
  points: number;
  cap: number | null;
  days: number;
  unused: number;
  lines: RatingLine[];
}

export interface RatingVeto extends Said {
  steps: number;
  to: string | null;
  records: RatingRecord[];
}

export interface RatingDetail extends RatingRow {
  policy_id: string | null;
  policy_version: string | null;
  policy_zh: string;
  policy_en: string;
  by_score: string | null;
  base: { points: number; zh: string; en: string; record: RatingRecord | null } | null;
  reasons: RatingReason[];
  bounded: number;
  vetoes: RatingVeto[];
  history: { as_of: Iso; score: number; grade: string }[];
}

export interface SafetyRecord {
  id: string;
  kind: RecordKind;
  level: string;
  occurred_at: Iso;
  until: Iso | null;
  title: string;
  source: string;
  about: string | null;
  recorded_at: Iso | null;
  withdrawn: boolean;
  repaired: boolean;
}

export interface NewSafetyRecord {
  institution_id: number;
  kind: RecordKind;
  level: string;
  occurred_at: Iso;
  until: Iso | null;
  title: string;
  source: string;
  about: string | null;
}

export function list(filter: { grade?: string; region?: string; q?: string; offset: number; limit: number }): Promise<RatingPage> {
  return get("/ratings", filter);
}

export function rating(institutionId: number): Promise<RatingDetail> {
  return get(`/ratings/${institutionId}`);
}

export function rateNow(institutionId: number): Promise<RatingDetail> {
  return write("POST", `/ratings/${institutionId}`, {});
}

export async function records(institutionId: number): Promise<SafetyRecord[]> {
  return (await get<{ items: SafetyRecord[] }>(`/safety-records/${institutionId}`)).items;
}

export async function record(made: NewSafetyRecord): Promise<SafetyRecord[]> {
  return (await write<{ items: SafetyRecord[] }>("POST", "/safety-records", made)).items;
}
