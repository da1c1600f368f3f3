import type { InstitutionKind, Iso } from "./contract";
import { address, get, send, write } from "./http";
import type { Place, Words } from "./institutionFiles";

export type Standing = "in_force" | "superseded" | "revoked" | "expired";

export interface CommitmentText {
  version: string;
  sha256: string;
  title_zh: string;
  title_en: string;
  clauses: Words[];
  term_months: number;
  term_months_max: number;
}

export interface Commitment {
  id: number;
  standing: Standing;
  /** null where this version of Anhu cannot read the text that was signed. */
  text: CommitmentText | null;
  signed_at: Iso;
  until: Iso;
  signer_name: string;
  actor: string;
  open_general: number;
  open_major: number;
  overdue: number;
  revocation: { at: Iso; reason: string; actor: string; outside: boolean } | null;
}

export interface CommitmentDetail {
  institution: Place;
  text: CommitmentText | null;
  open: { general: number; major: number; overdue: number };
  history: Commitment[];
  /** Who signed the one in force is no longer the head. */
  head_gone: boolean;
  published: boolean;
  acts: { published: boolean; note: string; at: Iso; actor: string; outside: boolean }[];
  /** How many of the responsible persons have agreed to be named in public. */
  named: number;
  may_sign: boolean;
  may_revoke: boolean;
  may_publish: boolean;
}

export interface CommitmentPage {
  items: { institution: Place; standing: Standing | null; signed_at: Iso | null; until: Iso | null; ends_soon: boolean; published: boolean }[];
  total: number;
  in_force: number;
  ends_soon: number;
  published: number;
}

export interface EntryPublication {
  published: boolean;
  publishable: boolean;
  acts: { published: boolean; words_zh: string; words_en: string; note: string; at: Iso; actor: string }[];
  may_publish: boolean;
}

export interface PublicPlace {
  id: number;
  name: string;
  name_en: string;
  kind: InstitutionKind;
  region: string;
  ownership: "public" | "private" | null;
}

export interface PublicHazards {
  found: number;
  closed: number;
  closed_in_time: number;
  running: number;
  overdue: number;
}

export interface PublicInstitution {
  institution: PublicPlace;
  published_on: string;
  months: number;
  as_of: Iso;
  responsibles: { duty: "head" | "officer" | "township" | "department"; name: string; position: string | null }[];
  /** The risks the institution has found with itself. */
  risks: Record<"major" | "high" | "medium" | "low", number> & { assessed_on: string | null };
  general: PublicHazards;
  major: PublicHazards;
  checks: { kind: "self_check" | "daily_patrol" | "monthly_check"; made: number; last_on: string | null }[];
  commitment: (Pick<CommitmentText, "version" | "sha256" | "title_zh" | "title_en" | "clauses"> & { signer: string | null; signed_on: string; until: string }) | null;
}

export interface PublicEntry {
  institution_id: number;
  name: string;
  name_en: string;
  words_zh: string;
  words_en: string;
  listed_on: string;
  until: string;
  has_page: boolean;
}

export interface PublicCounty {
  region: string;
  months: number;
  as_of: Iso;
  institutions: {
    institution: PublicPlace;
    found: number;
    closed: number;
    major: number;
    major_closed: number;
    overdue: number;
    self_checks: number;
    promised_until: string | null;
  }[];
  lists: { red: PublicEntry[]; black: PublicEntry[] };
}

const BASE = "/commitments";

export function list(query: { q: string; lacking: boolean; offset: number; limit: number }): Promise<CommitmentPage> {
  return get(BASE, { ...query, lacking: query.lacking ? "true" : undefined });
}

export function commitment(id: number): Promise<CommitmentDetail> {
  return get(`${BASE}/${id}`);
}

/** Signs the text that was read. Rejects with 409 where another one is in force meanwhile. */
export function sign(id: number, sha256: string, months: number): Promise<CommitmentDetail> {
  return write("POST", `${BASE}/${id}`, { sha256, months });
}

export function revoke(id: number, commitmentId: number, reason: string): Promise<CommitmentDetail> {
  return write("POST", `${BASE}/${id}/revoke`, { commitment_id: commitmentId, reason });
}

export function publishPage(id: number, published: boolean, note: string): Promise<CommitmentDetail> {
  return write("POST", `${BASE}/${id}/publication`, { published, note });
}

export function entryPublication(id: string): Promise<EntryPublication> {
  return get(`/credit-lists/${id}/publication`);
}

export function publishEntry(id: string, act: { published: boolean; words_zh?: string; words_en?: string; note?: string }): Promise<EntryPublication> {
  return write("POST", `/credit-lists/${id}/publication`, act);
}

/** What anybody reads, with or without a session. */
async function open<T>(path: string): Promise<T> {
  return (await (await send("GET", address(path))).json()) as T;
}

export function publicInstitution(id: number): Promise<PublicInstitution> {
  return open(`/public/institutions/${id}`);
}

export function publicCounty(region: string): Promise<PublicCounty> {
  return open(`/public/counties/${region}`);
}
