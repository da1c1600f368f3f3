import type { Iso } from "./contract";
import { get, write } from "./http";
import type { Role, Scope } from "./people";

export interface DutyPerson {
  id: number;
  name: string;
  role: Role;
  scope: Scope;
  active: boolean;
  /** Without any contact the next in turn is told. */
  reachable: boolean;
}

export type Found = "on_duty" | "stand_in" | "next_member" | "everybody";

/** Who is told in a span; no person: everybody of the role. */
export interface DutyTurn {
  from_at: Iso;
  until_at: Iso;
  person: DutyPerson | null;
  in_place_of: DutyPerson | null;
  found: Found;
}

export interface Rotation {
  /** Changes with every edit: an edit names the one it began from. */
  id: number;
  name: string;
  role: Role;
  scope: Scope;
  members: DutyPerson[];
  /** The day with whose first shift turn 0 begins. */
  anchor: string;
  /** Times of day in China, "08:00". */
  starts: string[];
  shifts_per_turn: number;
  turns: DutyTurn[];
  may_edit: boolean;
}

export interface StandIn {
  id: number;
  absent: DutyPerson;
  stand_in: DutyPerson;
  from_at: Iso;
  until_at: Iso;
  may_end: boolean;
}

/** A role at a place whose people are all told, because nobody has made a rotation. */
export interface WithoutRotation {
  role: Role;
  scope: Scope;
  count: number;
  may_edit: boolean;
}

/** The totals count all that match; the lists hold the first of them. */
export interface Board {
  items: Rotation[];
  total: number;
  stand_ins: StandIn[];
  without: WithoutRotation[];
  without_total: number;
}

export interface NewRotation {
  name: string;
  role: Role;
  scope: Scope;
  members: number[];
  anchor: string;
  starts: string[];
  shifts_per_turn: number;
  replaces: number | null;
}

export function board(q: string, limit: number): Promise<Board> {
  return get("/rotations", { days: 7, q, limit });
}

/** Who can take turns or stand in. */
export async function people(): Promise<DutyPerson[]> {
  return (await get<{ items: DutyPerson[] }>("/rotations/people")).items;
}

/** Rejects with 409 when somebody else has changed the rotation since `replaces`. */
export function put(rotation: NewRotation): Promise<Rotation> {
  return write("PUT", "/rotations", rotation);
}

export function end(id: number): Promise<void> {
  return write("POST", `/rotations/${id}/end`);
}

/** Rejects with 409 when somebody stands in then already, or could not acknowledge. */
export function addStandIn(wanted: { absent_id: number; stand_in_id: number; from_at: Iso; until_at: Iso }): Promise<StandIn> {
  return write("POST", "/stand-ins", wanted);
}

export function endStandIn(id: number): Promise<void> {
  return write("POST", `/stand-ins/${id}/end`);
}
