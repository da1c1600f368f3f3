import { call, type Shapes } from "./call";
import { every } from "./every";

/** Seconds are from the start of the drill; `report` is filed when it is over. */
export type Drill = Shapes["Drill"];
export type DrillState = Drill["state"];
export type DrillReport = NonNullable<Drill["report"]>;
export type DrillStage = NonNullable<DrillReport["stages"]>[number];
export type NewDrill = Shapes["DrillRequest"];

export type DrillKind = NonNullable<NewDrill["kind"]>;
/** The kinds worth a drill: those somebody must run for. */
export const DRILL_KINDS = every<DrillKind>()("fire", "gas", "co", "fall", "sos");

export async function list(institutionId?: number): Promise<Drill[]> {
  return (await call("GET", "/api/drills", { query: { institution_id: institutionId } })).items;
}

export function begin(drill: NewDrill): Promise<Drill> {
  return call("POST", "/api/drills", { body: drill });
}
