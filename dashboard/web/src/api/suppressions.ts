import { call, type Shapes } from "./call";
import { every } from "./every";

export type Suppression = Shapes["Suppression"];
export type NewSuppression = Shapes["SuppressionRequest"];
/** How a person keeps alarms quiet. */
export type Means = Suppression["means"];
export const MEANS = every<Means>()("shelve", "out_of_service", "maintenance");

export async function list(institutionId?: number): Promise<Suppression[]> {
  return (await call("GET", "/api/suppressions", { query: { institution_id: institutionId } })).items;
}

/** Rejects with 422 when it would last longer than the server allows. */
export function begin(suppression: NewSuppression): Promise<Suppression> {
  return call("POST", "/api/suppressions", { body: suppression });
}

export function end(id: number): Promise<Suppression> {
  return call("POST", "/api/suppressions/{suppression_id}/end", { path: { suppression_id: id } });
}
