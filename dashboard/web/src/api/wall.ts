import { call, type Given, type Shapes } from "./call";
import { every } from "./every";

export type WallState = Shapes["WallState"];
/** Worst first. */
export const WALL_STATES = every<WallState>()("alarm", "major_overdue", "offline", "warning", "normal");
export type WallSort = Shapes["WallSort"];
export const WALL_SORTS = every<WallSort>()("risk", "name", "region", "grade", "hazards", "offline");

export type Why = Shapes["Why"];
/** `amount` is the weight of the grade `name`, or the share of devices that are offline. */
export type WallReason = Shapes["WallReason"];
/** `rank` 1 is looked at first. */
export type WallInstitution = Shapes["WallInstitution"];
export type WallInstitutions = Shapes["WallInstitutions"];
/** `median_s` and `p90_s` are null while so large a share is still waiting. */
export type WallResponse = Shapes["WallResponse"];
export type WallCalls = Shapes["WallCalls"];
export type Wall = Shapes["Wall"];
export type WallFilter = NonNullable<Given<"GET", "/api/wall/institutions">["query"]>;

export function figures(): Promise<Wall> {
  return call("GET", "/api/wall");
}

export function calls(limit: number): Promise<WallCalls> {
  return call("GET", "/api/wall/calls", { query: { limit } });
}

export function institutions(query: WallFilter): Promise<WallInstitutions> {
  return call("GET", "/api/wall/institutions", { query });
}

export function institution(id: number): Promise<WallInstitution> {
  return call("GET", "/api/wall/institutions/{institution_id}", { path: { institution_id: id } });
}
