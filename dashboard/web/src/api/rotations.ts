import { call, type Shapes } from "./call";
import type { Iso } from "./contract";

/** `reachable`: without any contact the next in turn is told. */
export type DutyPerson = Shapes["DutyPerson"];
/** Who is told in a span; no person: everybody of the role. */
export type DutyTurn = Shapes["DutyTurn"];
export type Found = DutyTurn["found"];
/** `id` changes with every edit: an edit names the one it began from. `starts` are times of day in China, "08:00". */
export type Rotation = Shapes["Rotation"];
export type StandIn = Shapes["StandIn"];
/** A role at a place whose people are all told, because nobody has made a rotation. */
export type WithoutRotation = Shapes["WithoutRotation"];
/** The totals count all that match; the lists hold the first of them. */
export type Board = Shapes["RotationBoard"];
export type NewRotation = Shapes["RotationRequest"];

export function board(q: string, limit: number): Promise<Board> {
  return call("GET", "/api/rotations", { query: { days: 7, q, limit } });
}

/** Who can take turns or stand in. */
export async function people(): Promise<DutyPerson[]> {
  return (await call("GET", "/api/rotations/people")).items;
}

/** Rejects with 409 when somebody else has changed the rotation since `replaces`. */
export function put(rotation: NewRotation): Promise<Rotation> {
  return call("PUT", "/api/rotations", { body: rotation });
}

export function end(id: number): Promise<void> {
  return call("POST", "/api/rotations/{rotation_id}/end", { path: { rotation_id: id } });
}

/** Rejects with 409 when somebody stands in then already, or could not acknowledge. */
export function addStandIn(wanted: { absent_id: number; stand_in_id: number; from_at: Iso; until_at: Iso }): Promise<StandIn> {
  return call("POST", "/api/stand-ins", { body: wanted });
}

export function endStandIn(id: number): Promise<void> {
  return call("POST", "/api/stand-ins/{stand_in_id}/end", { path: { stand_in_id: id } });
}
