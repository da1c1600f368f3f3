import { act as perform, call, type Act, type Given, type Shapes } from "./call";
import { every } from "./every";

/** `no` is null until it begins; `planned_for` is a day, like 2026-03-01. */
export type InspectionRow = Shapes["InspectionRow"];
export type InspectionItem = Shapes["InspectionItem"];
export type InspectionFinding = Shapes["InspectionFinding"];
/** `acts` is what the reader may do now. */
export type InspectionDetail = Shapes["InspectionDetail"];
export type InspectionFigures = Shapes["InspectionFigures"];
export type Mate = Shapes["Mate"];
export type Colleague = Shapes["Colleague"];
export type InspectionFilter = NonNullable<Given<"GET", "/api/inspections">["query"]>;
export type NewInspection = Shapes["InspectionPlan"];
export type Seen = Shapes["FindingReport"];

export type Which = NonNullable<InspectionFilter["which"]>;
export const WHICH = every<Which>()("open", "planned", "begun", "concluded", "cancelled", "all");
export type InspectionKind = InspectionRow["kind"];
export const OWN_KINDS = ["daily_patrol", "monthly_check", "self_check"] as const satisfies readonly InspectionKind[];
export const OUTSIDE_KINDS = every<Exclude<InspectionKind, "random" | (typeof OWN_KINDS)[number]>>()(
  "surprise", "joint", "expert", "campaign",
);
export type InspectionState = InspectionRow["state"];
export type Duty = Mate["duty"];
export const OUTSIDE_DUTIES = every<Exclude<Duty, "member">>()("leader", "expert", "officer");
export const OWN_DUTIES = ["leader", "member"] as const satisfies readonly Duty[];
export type Outcome = NonNullable<InspectionItem["outcome"]>;
export type InspectionVerb = InspectionDetail["acts"][number];

export function list(filter: InspectionFilter): Promise<Shapes["InspectionPage"]> {
  return call("GET", "/api/inspections", { query: filter });
}

export function figures(): Promise<InspectionFigures> {
  return call("GET", "/api/inspections/figures");
}

export function inspection(id: string): Promise<InspectionDetail> {
  return call("GET", "/api/inspections/{inspection_id}", { path: { inspection_id: id } });
}

export async function team(institutionId: number): Promise<Colleague[]> {
  return (await call("GET", "/api/inspections/team/{institution_id}", { path: { institution_id: institutionId } })).items;
}

export function plan(wanted: NewInspection): Promise<InspectionDetail> {
  return call("POST", "/api/inspections", { body: wanted });
}

const ACTS = "/api/inspections/{inspection_id}/";
export type InspectionAct = Act<typeof ACTS>;

export function act(id: string, ...wanted: InspectionAct): Promise<InspectionDetail> {
  return perform(ACTS, { inspection_id: id }, wanted);
}
