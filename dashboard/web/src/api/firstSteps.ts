import type { Iso } from "./contract";
import type { Drill } from "./drills";
import { get, write } from "./http";

export const STEPS = ["institution", "zones", "connect", "device", "alarm", "people"] as const;
export type Step = (typeof STEPS)[number];
export type Missing =
  | "no_institution" | "no_zone" | "nothing_heard" | "refused" | "stranger" | "not_registered" | "silent" | "not_tried"
  | "under_way" | "not_shown" | "nobody" | "no_contact";

export const INSTITUTION_KINDS = ["nursing_home", "rescue_station", "child_welfare", "other"] as const;
export const ZONE_KINDS = [
  "bedroom", "kitchen", "corridor", "dining", "activity", "laundry", "boiler_room", "dormitory", "office", "storage", "other",
] as const;

export interface StepState {
  step: Step;
  done: boolean;
  missing: Missing | null;
}

export interface FirstSteps {
  institution: { id: number; code: string; name: string; name_en: string; kind: string; region: string } | null;
  steps: StepState[];
  complete: boolean;
  zone_count: number;
  heard_count: number;
  device_count: number;
  reporting_at: Iso | null;
  refused: { received_at: Iso; topic: string; reason: string; detail: string } | null;
  stranger: { institution: string; device: string; last_seen_at: Iso; last_topic: string } | null;
  trial: Drill | null;
  responsible_count: number;
  reachable_count: number;
  /** Null where nobody has said where the broker is. */
  broker: { managed: boolean; host: string | null; port: number | null; tls: boolean | null; user: string | null; topic: string | null };
  intake_alive: boolean;
}

export interface NewInstitution {
  code: string;
  name: string;
  name_en: string;
  kind: string;
  region: string;
}

export interface NewZone {
  code: string;
  name: string;
  name_en: string;
  kind: string;
  floor: number;
}

/** The password is told once, and "" where the account had one already. */
export interface GatewayAccount {
  user: string;
  password: string;
}

export function steps(institutionId?: number): Promise<FirstSteps> {
  return get("/first-steps", { institution_id: institutionId });
}

export async function addInstitution(wanted: NewInstitution): Promise<number> {
  return (await write<{ id: number }>("POST", "/institutions", wanted)).id;
}

export async function addZone(institutionId: number, wanted: NewZone): Promise<number> {
  return (await write<{ id: number }>("POST", `/institutions/${institutionId}/zones`, wanted)).id;
}

export function makeGateway(institutionId: number, renew: boolean): Promise<GatewayAccount> {
  return write("POST", `/institutions/${institutionId}/gateway`, { renew });
}

export function startTrial(institutionId: number): Promise<Drill> {
  return write("POST", `/institutions/${institutionId}/trial`, { device_id: null });
}
