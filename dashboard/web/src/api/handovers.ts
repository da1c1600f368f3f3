import type { AlertDevice, AlertInstitution, AlertKind, AlertZone, Iso, Priority } from "./contract";
import type { DrillState } from "./drills";
import { get, write as post } from "./http";
import type { Scope } from "./people";

export interface HandoverPlace {
  institution: AlertInstitution | null;
  zone: AlertZone | null;
  device: AlertDevice | null;
}

/** The shift as the records have it; the lists hold the first of what the counts count. */
export interface HandoverFacts {
  open_by_priority: Partial<Record<Priority, number>>;
  unacknowledged: number;
  alerts: (HandoverPlace & { id: string; kind: AlertKind; priority: Priority; raised_at: Iso; acknowledged: boolean })[];
  silences: (HandoverPlace & {
    means: "shelve" | "out_of_service" | "maintenance";
    kind: AlertKind | null;
    reason: string;
    from_at: Iso;
    until_at: Iso;
  })[];
  silence_count: number;
  drills: { kind: AlertKind; institution: AlertInstitution; started_at: Iso; state: DrillState; scheduled: boolean }[];
  drill_count: number;
  checks_called: number;
  checks_missed: { institution: AlertInstitution; called_at: Iso }[];
  checks_missed_count: number;
  hazards: { id: string; no: number; title: string; level: "general" | "major"; reported_at: Iso }[];
  hazard_count: number;
  offline_count: number;
}

export type HandoverRefusal = "another_desk" | "take_over_first" | "not_waiting" | "same_name";

export interface Handover {
  id: number;
  /** One institution's desk, or that of a region's duty centre. */
  desk: Scope;
  institution: AlertInstitution | null;
  since_at: Iso;
  written_at: Iso;
  actor: string;
  name: string;
  note: string;
  facts: HandoverFacts;
  state: "waiting" | "taken_over" | "replaced";
  replaces: number | null;
  replaced_by: number | null;
  take_over: { at: Iso; actor: string; name: string; remark: string } | null;
}

export interface HandoverPage {
  items: Handover[];
  total: number;
  next_before: number | null;
}

export interface HandoverDraft {
  since_at: Iso;
  since: "taken_over" | "written" | "a_day";
  now: Iso;
  facts: HandoverFacts;
  replaces: number | null;
  note: string;
  why_not: HandoverRefusal | null;
}

/** How long, and how often for one alarm, the desk's sound may be kept off. */
export interface SoundPolicy {
  policy_version: string;
  mute_s_max: number;
  mutes_max: number;
  fault_mute_s_max: number;
}

export function soundPolicy(): Promise<SoundPolicy> {
  return get("/desk/sound");
}

export function page(before?: number): Promise<HandoverPage> {
  return get("/handovers", { before, limit: 20 });
}

/** One's own desk: whether it hands over at all, and what nobody has taken over yet. */
export function desk(): Promise<{ in_use: boolean; waiting: Handover | null }> {
  return get("/handovers/desk");
}

export function draft(): Promise<HandoverDraft> {
  return get("/handovers/draft");
}

export function load(id: number): Promise<Handover> {
  return get(`/handovers/${id}`);
}

/** Rejects with 409 while somebody else's note waits. */
export function write(name: string, note: string): Promise<Handover> {
  return post("POST", "/handovers", { name, note });
}

/** Rejects with 409 where it does not wait any more, or the name is its writer's. */
export function takeOver(id: number, name: string, remark: string): Promise<Handover> {
  return post("POST", `/handovers/${id}/take-over`, { name, remark });
}
