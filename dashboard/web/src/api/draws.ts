import { act as perform, call, type Act, type Shapes, type Unversioned } from "./call";
import { every } from "./every";

/** `planned_for` is a day, like 2026-03-01. */
export type DrawRow = Shapes["DrawRow"];
/** Inspectors stand in it by staff number ("P12"); `names` says who they are. While visits are `waiting` the seed stays
 * secret. The grounds are never public. */
export type DrawDetail = Shapes["DrawDetail"];
export type DrawState = DrawRow["state"];
export type NewDraw = Shapes["DrawWanted"];
export type Drawable = Shapes["Drawable"];
export type Relation = Shapes["Relation"];
export type NewRelation = Shapes["RelationDeclared"];
export type RelationKind = Relation["relation"];
export const RELATIONS = every<RelationKind>()("home", "family", "interest", "other");
/** What a weight is made of; those of an institution add up to it. */
export const PARTS = ["base", "general", "major", "overdue", "time", "rating"] as const;
export type Part = (typeof PARTS)[number];

export async function list(): Promise<DrawRow[]> {
  return (await call("GET", "/api/draws")).items;
}

export function draw(id: string): Promise<DrawDetail> {
  return call("GET", "/api/draws/{draw_id}", { path: { draw_id: id } });
}

export function announce(wanted: NewDraw): Promise<DrawDetail> {
  return call("POST", "/api/draws", { body: wanted });
}

const ACTS = "/api/draws/{draw_id}/";
export type DrawAct = Unversioned<Act<typeof ACTS>>;

/** Acts on the draw as it was seen. Rejects with 409 where somebody else was faster. */
export function act(id: string, version: number, ...[name, body]: DrawAct): Promise<DrawDetail> {
  return perform(ACTS, { draw_id: id }, [name, { version, ...body }] as Act<typeof ACTS>);
}

/** Where anybody reads the record without signing in; a whole address, to be handed on. */
export function publicAddress(id: string): string {
  return `${window.location.origin}/api/public/draws/${id}`;
}

export async function inspectors(): Promise<Drawable[]> {
  return (await call("GET", "/api/draws/inspectors")).items;
}

export async function relations(): Promise<Relation[]> {
  return (await call("GET", "/api/draws/relations")).items;
}

export async function declare(told: NewRelation): Promise<Relation[]> {
  return (await call("POST", "/api/draws/relations", { body: told })).items;
}

export async function endRelation(id: number): Promise<Relation[]> {
  return (await call("POST", "/api/draws/relations/{relation_id}/end", { path: { relation_id: id } })).items;
}
