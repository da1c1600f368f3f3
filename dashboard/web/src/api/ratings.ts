import { call, type Given, type Shapes } from "./call";

export type SafetyRecord = Shapes["SafetyRecordShape"];
export type NewSafetyRecord = Shapes["NewSafetyRecord"];
export type RecordKind = SafetyRecord["kind"];
export type NewKind = Exclude<RecordKind, "withdrawal" | "repair">;
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
} as const satisfies Record<NewKind, readonly string[]>;
/** What is valid until a day. */
export const LIMITED: readonly RecordKind[] = ["standard", "star", "commitment"];
/** What an institution can make good. */
export const REPAIRABLE: readonly RecordKind[] = ["accident", "penalty", "concealment"];

/** `change` is in grades; above 0 better. */
export type RatingRow = Shapes["RatingRow"];
export type RatingPage = Shapes["RatingPage"];
export type RatingRecord = Shapes["RatingRecord"];
export type RatingLine = Shapes["RatingLine"];
export type RatingReason = Shapes["RatingReason"];
export type RatingVeto = Shapes["RatingVeto"];
export type RatingDetail = Shapes["RatingDetail"];

export function list(query: NonNullable<Given<"GET", "/api/ratings">["query"]>): Promise<RatingPage> {
  return call("GET", "/api/ratings", { query });
}

export function rating(institutionId: number): Promise<RatingDetail> {
  return call("GET", "/api/ratings/{institution_id}", { path: { institution_id: institutionId } });
}

export function rateNow(institutionId: number): Promise<RatingDetail> {
  return call("POST", "/api/ratings/{institution_id}", { path: { institution_id: institutionId } });
}

export async function records(institutionId: number): Promise<SafetyRecord[]> {
  return (await call("GET", "/api/safety-records/{institution_id}", { path: { institution_id: institutionId } })).items;
}

export async function record(made: NewSafetyRecord): Promise<SafetyRecord[]> {
  return (await call("POST", "/api/safety-records", { body: made })).items;
}
