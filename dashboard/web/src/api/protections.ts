import type { Iso } from "./contract";
import { get } from "./http";
import type { Place } from "./institutionFiles";
import type { InspectionKind } from "./inspections";

export const STANDINGS = ["not_conforming", "incomplete", "conforming"] as const;
export type Standing = (typeof STANDINGS)[number];
export type Verdict = "conforming" | "not_conforming" | "not_applicable" | "expired" | "unassessed";
export type Because = "answered" | "rectified" | "hazard_open" | "too_old" | "never_answered" | "own_check_only";

export interface Policy {
  version: string;
  target_percent: number;
  valid_days: number;
  own_checks_count: boolean;
}

export interface Protection {
  id: string;
  clause: string;
  zh: string;
  en: string;
}

export interface Share {
  total: number;
  assessed: number;
  conforming: number;
  verified: number;
  not_conforming: number;
  incomplete: number;
  percent: number;
  reached: boolean;
  short_of: number;
}

export interface Lack {
  protection: string;
  verdict: Verdict;
  because: Because;
  hazard_id: string | null;
  hazard_no: number | null;
}

export interface Row {
  institution: Place;
  standing: Standing;
  verified: boolean;
  lacks: Lack[];
  until: Iso | null;
}

export interface Page {
  policy: Policy;
  checklist: string;
  protections: Protection[];
  share: Share;
  counties: { region: string; share: Share }[];
  items: Row[];
  total: number;
}

export interface Trend {
  target_percent: number;
  items: { month: string; at: Iso; share: Share }[];
}

/** What a concluded inspection found of a protection. */
export interface Assessment {
  protection: string;
  outcome: "pass" | "fail" | "not_applicable";
  at: Iso;
  inspection_id: string;
  inspection_no: number;
  kind: InspectionKind;
  own: boolean;
  by: string;
  note: string;
  photos: number;
  hazard_id: string | null;
  hazard_no: number | null;
  hazard_closed_at: Iso | null;
  hazard_withdrawn_at: Iso | null;
}

export interface Found {
  protection: string;
  verdict: Verdict;
  because: Because;
  basis: Assessment | null;
  until: Iso | null;
}

export interface Detail {
  institution: Place;
  policy: Policy;
  checklist: string;
  protections: Protection[];
  /** "not_meant": the list is not for its kind. */
  standing: Standing | "not_meant";
  verified: boolean;
  until: Iso | null;
  found: Found[];
  history: Assessment[];
}

export function page(query: { region?: string; standing?: string; q: string; offset: number; limit: number }): Promise<Page> {
  return get("/protections", query);
}

export function trend(query: { region?: string; months: number }): Promise<Trend> {
  return get("/protections/trend", query);
}

export function detail(id: number): Promise<Detail> {
  return get(`/protections/${id}`);
}
