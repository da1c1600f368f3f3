import type { AlertKind, Phone, PlanStep } from "./contract";
import { address, authorised, get, remove, write } from "./http";

/** An institution's card for one kind of alert; version 0 is the default. */
export interface Plan {
  kind: AlertKind;
  title_zh: string;
  title_en: string;
  steps: PlanStep[];
  phones: Phone[];
  own_phones: Phone[];
  own_steps: boolean;
  version: number;
  source: "institution" | "default";
}

export interface Carried {
  zone_id: number;
  count_cannot_walk: number;
  note: string;
}

export interface Residents {
  items: Carried[];
  version: number;
}

/** Where a zone or a device (one of the two) is: shares of the picture's width and height from its upper left. */
export interface Mark {
  zone_id: number | null;
  device_id: number | null;
  x: number;
  y: number;
}

export interface FloorPlan {
  floor: number;
  version: number;
  width_px: number;
  height_px: number;
  marks: Mark[];
}

export async function list(institutionId: number): Promise<Plan[]> {
  return (await get<{ items: Plan[] }>(`/institutions/${institutionId}/plans`)).items;
}

/** Rejects with 409, as all that follow, when somebody else has changed it since `version`. */
export function save(
  institutionId: number, kind: AlertKind, plan: { version: number; steps: PlanStep[]; phones: Phone[] },
): Promise<Plan> {
  return write("PUT", `/institutions/${institutionId}/plans/${kind}`, plan);
}

export function removePlan(institutionId: number, kind: AlertKind, version: number): Promise<void> {
  return remove(`/institutions/${institutionId}/plans/${kind}`, { version });
}

export function residents(institutionId: number): Promise<Residents> {
  return get(`/institutions/${institutionId}/residents`);
}

export function saveResidents(institutionId: number, list: Residents): Promise<Residents> {
  return write("PUT", `/institutions/${institutionId}/residents`, list);
}

export async function floorPlans(institutionId: number): Promise<FloorPlan[]> {
  return (await get<{ items: FloorPlan[] }>(`/institutions/${institutionId}/floor-plans`)).items;
}

/** The address of a picture; the version makes a new picture a new address. */
export function pictureUrl(institutionId: number, floor: number, version: number): string {
  return address(`/institutions/${institutionId}/floor-plans/${floor}/picture`, { v: version });
}

/** Rejects with 413 or 422 for what is too large or no picture. */
export async function savePicture(institutionId: number, floor: number, version: number, picture: Blob): Promise<FloorPlan> {
  const url = address(`/institutions/${institutionId}/floor-plans/${floor}/picture`, { version });
  return (await (await authorised("PUT", url, picture)).json()) as FloorPlan;
}

export function saveMarks(institutionId: number, floor: number, version: number, marks: Mark[]): Promise<FloorPlan> {
  return write("PUT", `/institutions/${institutionId}/floor-plans/${floor}/marks`, { version, marks });
}

export function removeFloorPlan(institutionId: number, floor: number, version: number): Promise<void> {
  return remove(`/institutions/${institutionId}/floor-plans/${floor}`, { version });
}
