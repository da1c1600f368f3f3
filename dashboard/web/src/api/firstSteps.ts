import { call, type Given, type Shapes } from "./call";
import { every } from "./every";

export type StepState = Shapes["StepState"];
export type Step = StepState["step"];
export type FirstSteps = Shapes["FirstSteps"];
export type NewInstitution = Shapes["InstitutionRequest"];
export type NewZone = Shapes["ZoneRequest"];
/** The password is told once, and "" where the account had one already. */
export type GatewayAccount = Shapes["GatewayAccount"];

export const STEPS = every<Step>()("institution", "zones", "connect", "device", "alarm", "people");
export const INSTITUTION_KINDS = ["nursing_home", "rescue_station", "child_welfare", "other"] as const;
export const ZONE_KINDS = [
  "bedroom", "kitchen", "corridor", "dining", "activity", "laundry", "boiler_room", "dormitory", "office", "storage", "other",
] as const;

export function steps(institutionId?: number): Promise<FirstSteps> {
  const query: Given<"GET", "/api/first-steps">["query"] = institutionId === undefined ? {} : { institution_id: institutionId };
  return call("GET", "/api/first-steps", { query });
}

export async function addInstitution(wanted: NewInstitution): Promise<number> {
  return (await call("POST", "/api/institutions", { body: wanted })).id;
}

export async function addZone(institutionId: number, wanted: NewZone): Promise<number> {
  return (await call("POST", "/api/institutions/{institution_id}/zones", { path: { institution_id: institutionId }, body: wanted })).id;
}

export function makeGateway(institutionId: number, renew: boolean): Promise<GatewayAccount> {
  return call("POST", "/api/institutions/{institution_id}/gateway", { path: { institution_id: institutionId }, body: { renew } });
}

export function startTrial(institutionId: number): Promise<Shapes["Drill"]> {
  return call("POST", "/api/institutions/{institution_id}/trial", { path: { institution_id: institutionId }, body: {} });
}
