import { act as perform, addressOf, call, type Act, type Given, type Shapes, type Unversioned } from "./call";
import { every } from "./every";

/** Until `assign_by` somebody has to be given it, as long as nobody was. */
export type HazardRow = Shapes["HazardRow"];
export type HazardPage = Shapes["HazardPage"];
export type HazardSummary = Shapes["HazardSummary"];
/** `defaults`: "major.head" → the id of a term. */
export type HazardOptions = Shapes["HazardOptions"];
export type HazardProof = Shapes["HazardProof"];
export type HazardEvent = Shapes["HazardEvent"];
/** `acts` is what the reader may do now. */
export type HazardDetail = Shapes["HazardDetail"];
export type HazardFilter = NonNullable<Given<"GET", "/api/hazards">["query"]>;
export type NewHazard = Shapes["HazardReport"];
export type Assignee = Shapes["Assignee"];
export type Named = Shapes["Named"];

export type Which = NonNullable<HazardFilter["which"]>;
export const WHICH = every<Which>()("open", "unassigned", "overdue", "due_soon", "waiting", "bulletin", "closed", "withdrawn", "all");
export type HazardState = HazardRow["state"];
/** The steps of the road; a report that was a mistake leaves it. */
export const STATES = every<Exclude<HazardState, "withdrawn">>()("reported", "assigned", "rectified", "rechecked", "closed");
export type Level = HazardRow["level"];
export const LEVELS = every<Level>()("general", "major");
/** Red, yellow, blue in the ledger. */
export type Supervisor = HazardRow["supervisor"];
export const SUPERVISORS = every<Supervisor>()("head", "deputy", "department");
export type Category = HazardRow["category"];
export const CATEGORIES = every<Category>()(
  "fire", "electrical", "gas", "building", "equipment", "food", "management", "service", "other",
);
export type Proposal = NonNullable<HazardRow["proposal"]>;
export const PROPOSALS = every<Proposal>()("suspend", "close", "merge", "convert");
export type Standing = HazardRow["standing"];
export type ProofReason = HazardProof["reason"];
export type HazardVerb = HazardEvent["verb"];

export function list(filter: HazardFilter): Promise<HazardPage> {
  return call("GET", "/api/hazards", { query: filter });
}

export function summary(): Promise<HazardSummary> {
  return call("GET", "/api/hazards/summary");
}

export function options(): Promise<HazardOptions> {
  return call("GET", "/api/hazards/options");
}

export function hazard(id: string): Promise<HazardDetail> {
  return call("GET", "/api/hazards/{hazard_id}", { path: { hazard_id: id } });
}

export async function assignees(id: string): Promise<Assignee[]> {
  return (await call("GET", "/api/hazards/{hazard_id}/assignees", { path: { hazard_id: id } })).items;
}

export function report(hazard: NewHazard): Promise<HazardDetail> {
  return call("POST", "/api/hazards", { body: hazard });
}

const ACTS = "/api/hazards/{hazard_id}/";
export type HazardAct = Unversioned<Act<typeof ACTS>>;

/** Acts on the hazard as it was seen. Rejects with 409 where somebody else was faster. */
export function act(id: string, version: number, ...[name, body]: HazardAct): Promise<HazardDetail> {
  return perform(ACTS, { hazard_id: id }, [name, { version, ...body }] as Act<typeof ACTS>);
}

export async function upload(institutionId: number, picture: Blob): Promise<string> {
  return (await call("POST", "/api/hazards/photos", { query: { institution_id: institutionId }, body: picture })).id;
}

export function photoUrl(id: string): string {
  return addressOf("/api/hazards/photos/{photo_id}", { path: { photo_id: id } });
}
