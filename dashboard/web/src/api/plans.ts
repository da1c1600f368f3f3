import { addressOf, call, type Shapes } from "./call";
import type { AlertKind } from "./contract";

/** An institution's card for one kind of alert; version 0 is the default. */
export type Plan = Shapes["Plan"];
export type Carried = Shapes["PlanResidents-Output"];
export type Residents = Shapes["Residents"];
/** Where a zone or a device (one of the two) is: shares of the picture's width and height from its upper left. */
export type Mark = Shapes["FloorPlanMark-Output"];
export type FloorPlan = Shapes["FloorPlan"];

export async function list(institutionId: number): Promise<Plan[]> {
  return (await call("GET", "/api/institutions/{institution_id}/plans", { path: { institution_id: institutionId } })).items;
}

/** Rejects with 409, as all that follow, when somebody else has changed it since `version`. */
export function save(institutionId: number, kind: AlertKind, plan: Shapes["PlanRequest"]): Promise<Plan> {
  return call("PUT", "/api/institutions/{institution_id}/plans/{kind}", { path: { institution_id: institutionId, kind }, body: plan });
}

export function removePlan(institutionId: number, kind: AlertKind, version: number): Promise<void> {
  return call("DELETE", "/api/institutions/{institution_id}/plans/{kind}", { path: { institution_id: institutionId, kind }, query: { version } });
}

export function residents(institutionId: number): Promise<Residents> {
  return call("GET", "/api/institutions/{institution_id}/residents", { path: { institution_id: institutionId } });
}

export function saveResidents(institutionId: number, list: Residents): Promise<Residents> {
  return call("PUT", "/api/institutions/{institution_id}/residents", { path: { institution_id: institutionId }, body: list });
}

export async function floorPlans(institutionId: number): Promise<FloorPlan[]> {
  return (await call("GET", "/api/institutions/{institution_id}/floor-plans", { path: { institution_id: institutionId } })).items;
}

/** The address of a picture; the version makes a new picture a new address. */
export function pictureUrl(institutionId: number, floor: number, version: number): string {
  const path = { institution_id: institutionId, floor };
  return `${addressOf("/api/institutions/{institution_id}/floor-plans/{floor}/picture", { path })}?v=${version}`;
}

/** Rejects with 413 or 422 for what is too large or no picture. */
export function savePicture(institutionId: number, floor: number, version: number, picture: Blob): Promise<FloorPlan> {
  return call("PUT", "/api/institutions/{institution_id}/floor-plans/{floor}/picture", {
    path: { institution_id: institutionId, floor },
    query: { version },
    body: picture,
  });
}

export function saveMarks(institutionId: number, floor: number, version: number, marks: Mark[]): Promise<FloorPlan> {
  return call("PUT", "/api/institutions/{institution_id}/floor-plans/{floor}/marks", {
    path: { institution_id: institutionId, floor },
    body: { version, marks },
  });
}

export function removeFloorPlan(institutionId: number, floor: number, version: number): Promise<void> {
  return call("DELETE", "/api/institutions/{institution_id}/floor-plans/{floor}", {
    path: { institution_id: institutionId, floor },
    query: { version },
  });
}
