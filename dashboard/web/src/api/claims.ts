import { call, type Shapes } from "./call";
import type { Device, DeviceKind } from "./contract";
import { every } from "./every";

export type Claim = Shapes["ClaimRequest"];
export const DEVICE_KINDS = every<DeviceKind>()("smoke", "heat", "gas", "co", "fall", "sos", "multi");
export const WEARS = ["waist", "wrist", "pocket"] as const;
export type Wear = (typeof WEARS)[number];

export type HeardQuantity = Shapes["HeardQuantity"];
export type HeardDevice = Shapes["HeardDevice"];
/** `days_left` is below zero once it is overdue. */
export type TestDue = Shapes["DueTest"];

export async function heard(institutionId: number): Promise<HeardDevice[]> {
  return (await call("GET", "/api/institutions/{institution_id}/unclaimed", { path: { institution_id: institutionId } })).items;
}

/** Rejects with 409 where the device is registered already. */
export function claim(institutionId: number, device: Claim): Promise<Device> {
  return call("POST", "/api/institutions/{institution_id}/devices", { path: { institution_id: institutionId }, body: device });
}

export function claimQuantities(institutionId: number, deviceId: number, quantities: string[]): Promise<Device> {
  return call("POST", "/api/institutions/{institution_id}/devices/{device_id}/quantities", {
    path: { institution_id: institutionId, device_id: deviceId },
    body: { quantities },
  });
}

export function setDates(institutionId: number, deviceId: number, installedOn: string | null, testDueOn: string | null): Promise<Device> {
  return call("PUT", "/api/institutions/{institution_id}/devices/{device_id}/dates", {
    path: { institution_id: institutionId, device_id: deviceId },
    body: { installed_on: installedOn, test_due_on: testDueOn },
  });
}

/** The devices whose test is overdue or due within a month. */
export async function testsDue(institutionId: number): Promise<TestDue[]> {
  return (await call("GET", "/api/devices/tests-due", { query: { institution_id: institutionId } })).items;
}
