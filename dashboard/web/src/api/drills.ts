import type { AlertDevice, AlertInstitution, AlertKind, Iso } from "./contract";
import { get, write } from "./http";

export type DrillState = "running" | "passed" | "failed" | "ended";

export interface DrillStage {
  stage: string;
  seconds: number | null;
  limit_s: number | null;
  /** Null where there is no limit. */
  passed: boolean | null;
  clause?: string | null;
}

export interface DrillReport {
  reason?: string;
  note?: string;
  ended_at?: Iso;
  stages?: DrillStage[];
}

export interface Drill {
  /** A UUID. */
  id: string;
  institution: AlertInstitution;
  device: AlertDevice | null;
  kind: AlertKind;
  by: string;
  /** Begun by the service itself, as GB 50440 asks for twice a month. */
  scheduled: boolean;
  started_at: Iso;
  state: DrillState;
  raised_at: Iso | null;
  /** These are seconds from the start of the drill. */
  seen_on_screen_s: number | null;
  pushed_s: number | null;
  acknowledged_s: number | null;
  acknowledged_by: string | null;
  /** Filed when it is over. */
  report: DrillReport | null;
}

export interface NewDrill {
  institution_id: number;
  device_id?: number;
  kind: AlertKind;
  note: string;
}

export async function list(institutionId?: number): Promise<Drill[]> {
  return (await get<{ items: Drill[] }>("/drills", { institution_id: institutionId })).items;
}

export function begin(drill: NewDrill): Promise<Drill> {
  return write("POST", "/drills", drill);
}
