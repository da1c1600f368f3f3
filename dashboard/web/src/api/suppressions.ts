import type { AlertDevice, AlertInstitution, AlertKind, AlertZone, Iso } from "./contract";
import { get, write } from "./http";

export const MEANS = ["shelve", "out_of_service", "maintenance"] as const;
/** How a person keeps alarms quiet. */
export type Means = (typeof MEANS)[number];

export interface Suppression {
  id: number;
  means: Means;
  institution: AlertInstitution;
  zone: AlertZone | null;
  device: AlertDevice | null;
  alert_kind: AlertKind | null;
  reason: string;
  actor: string;
  from_at: Iso;
  until_at: Iso;
}

export interface NewSuppression {
  means: Means;
  institution_id: number;
  zone_id?: number;
  device_id?: number;
  alert_kind?: AlertKind;
  reason: string;
  from_at?: Iso;
  until_at: Iso;
}

export async function list(institutionId?: number): Promise<Suppression[]> {
  return (await get<{ items: Suppression[] }>("/suppressions", { institution_id: institutionId })).items;
}

/** Rejects with 422 when it would last longer than the server allows. */
export function begin(suppression: NewSuppression): Promise<unknown> {
  return write("POST", "/suppressions", suppression);
}

export function end(id: number): Promise<unknown> {
  return write("POST", `/suppressions/${id}/end`);
}
