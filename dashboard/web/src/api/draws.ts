import type { Iso } from "./contract";
import { get, write } from "./http";
import type { Duty } from "./inspections";
import type { Role } from "./people";

export type DrawState = "announced" | "drawn" | "published" | "void";
export const RELATIONS = ["home", "family", "interest", "other"] as const;
export type RelationKind = (typeof RELATIONS)[number];
/** What a weight is made of; those of an institution add up to it. */
export const PARTS = ["base", "general", "major", "overdue", "time", "rating"] as const;
export type Part = (typeof PARTS)[number];

export interface DrawRow {
  id: string;
  no: number;
  title: string;
  region: string;
  /** A day, like 2026-03-01. */
  planned_for: string;
  state: DrawState;
  version: number;
  visits: number;
  candidates: number;
  seed_sha256: string;
  register_sha256: string;
  announced_at: Iso;
  drawn_at: Iso | null;
  published_at: Iso | null;
}

/** Who and what may be drawn: what register_sha256 is of. Inspectors by staff number ("P12"). */
export interface Register {
  visits: number;
  seats: Duty[];
  candidates: { code: string; name: string; weight: number }[];
  inspectors: { key: string; duties: Duty[] }[];
  conflicts: [key: string, code: string][];
}

export interface DrawDetail extends DrawRow {
  checklists: string[];
  campaign_id: string | null;
  register_body: Register;
  /** Why: the parts of each weight, and what keeps whom from where. Never public. */
  grounds: {
    weights: string;
    parts: Record<string, Record<Part, number>>;
    conflicts: [key: string, code: string, reason: RelationKind | "last_team"][];
    without_team: string[];
  };
  word: string | null;
  result: { visits: { institution: string; team: [key: string, duty: Duty][] }[] } | null;
  seed: string | null;
  void_reason: string | null;
  /** Visits that have not begun: while there are any the seed stays secret. */
  waiting: number;
  /** Staff number → name. */
  names: Record<string, string>;
}

export interface NewDraw {
  title: string;
  region: string;
  visits: number;
  planned_for: string;
  officers: number;
  experts: number;
  kinds: string[];
  checklists: string[];
  campaign_id: string | null;
}

export interface Drawable {
  id: number;
  name: string;
  role: Role;
}

export interface Relation {
  id: number;
  person_id: number;
  person_name: string;
  institution_id: number;
  relation: RelationKind;
  note: string;
  declared_at: Iso;
}

export interface NewRelation {
  person_id: number;
  institution_id: number;
  relation: RelationKind;
  note: string;
}

interface Items<T> {
  items: T[];
}

export async function list(): Promise<DrawRow[]> {
  return (await get<Items<DrawRow>>("/draws")).items;
}

export function draw(id: string): Promise<DrawDetail> {
  return get(`/draws/${id}`);
}

export function announce(wanted: NewDraw): Promise<DrawDetail> {
  return write("POST", "/draws", wanted);
}

/** `path` is the last part of the route: "draw", "publish", "void". */
export function act(id: string, path: string, body: object): Promise<DrawDetail> {
  return write("POST", `/draws/${id}/${path}`, body);
}

/** Where anybody reads the record without signing in; a whole address, to be handed on. */
export function publicAddress(id: string): string {
  return `${window.location.origin}/api/public/draws/${id}`;
}

export async function inspectors(): Promise<Drawable[]> {
  return (await get<Items<Drawable>>("/draws/inspectors")).items;
}

export async function relations(): Promise<Relation[]> {
  return (await get<Items<Relation>>("/draws/relations")).items;
}

export async function declare(told: NewRelation): Promise<Relation[]> {
  return (await write<Items<Relation>>("POST", "/draws/relations", told)).items;
}

export async function endRelation(id: number): Promise<Relation[]> {
  return (await write<Items<Relation>>("POST", `/draws/relations/${id}/end`, {})).items;
}
