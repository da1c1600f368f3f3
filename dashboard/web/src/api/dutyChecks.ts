import { call as request, type Shapes } from "./call";

/** A question to a duty desk: is somebody there? `called_by` is "random" where the service asked by itself. */
export type DutyCheck = Shapes["DutyCheck"];
export type DutyCheckState = DutyCheck["state"];
export type NewDutyCheck = Shapes["DutyCheckRequest"];

export async function list(institutionId?: number): Promise<DutyCheck[]> {
  return (await request("GET", "/api/duty-checks", { query: { institution_id: institutionId } })).items;
}

export function call(check: NewDutyCheck): Promise<DutyCheck> {
  return request("POST", "/api/duty-checks", { body: check });
}

export function answer(id: number): Promise<DutyCheck> {
  return request("POST", "/api/duty-checks/{number}/answer", { path: { number: id } });
}
