import type { AlertDevice, AlertInstitution, AlertZone, Device, DeviceKind, Iso } from "./contract";
import { get, write } from "./http";

export const DEVICE_KINDS: readonly DeviceKind[] = ["smoke", "heat", "gas", "co", "fall", "sos", "multi"];
export const WEARS = ["waist", "wrist", "pocket"] as const;
export type Wear = (typeof WEARS)[number];

export interface HeardQuantity {
  quantity: string;
  unit: string;
  last_value: number | null;
}

/** What a device sent that is not registered; `device_id` and `name` are null where the whole device is unknown. */
export interface HeardDevice {
  device: string;
  device_id: number | null;
  name: string | null;
  quantities: HeardQuantity[];
  /** False where what it is called cannot stand in the registry, or nothing it sent is known. */
  claimable: boolean;
  /** "" where what it is called can be an address only. */
  suggested_code: string;
  suggested_kind: DeviceKind;
  suggested_interval_s: number;
  first_seen_at: Iso;
  last_seen_at: Iso;
  message_count: number;
  last_topic: string;
  last_payload: string;
}

export interface Claim {
  /** What it is called on the wire. */
  heard: string;
  code: string;
  zone_id: number;
  name: string;
  kind: DeviceKind;
  model: string;
  report_interval_s: number;
  quantities: string[];
  wear: Wear | "";
  installed_on: string | null;
  test_due_on: string | null;
}

export interface TestDue {
  institution: AlertInstitution;
  zone: AlertZone;
  device: AlertDevice;
  installed_on: string | null;
  test_due_on: string;
  /** Below zero once it is overdue. */
  days_left: number;
}

export async function heard(institutionId: number): Promise<HeardDevice[]> {
  return (await get<{ items: HeardDevice[] }>(`/institutions/${institutionId}/unclaimed`)).items;
}

/** Rejects with 409 where the device is registered already. */
export function claim(institutionId: number, device: Claim): Promise<Device> {
  return write("POST", `/institutions/${institutionId}/devices`, device);
}

export function claimQuantities(institutionId: number, deviceId: number, quantities: string[]): Promise<Device> {
  return write("POST", `/institutions/${institutionId}/devices/${deviceId}/quantities`, { quantities });
}

export function setDates(institutionId: number, deviceId: number, installedOn: string | null, testDueOn: string | null): Promise<Device> {
  return write("PUT", `/institutions/${institutionId}/devices/${deviceId}/dates`, { installed_on: installedOn, test_due_on: testDueOn });
}

/** The devices whose test is overdue or due within a month. */
export async function testsDue(institutionId: number): Promise<TestDue[]> {
  return (await get<{ items: TestDue[] }>("/devices/tests-due", { institution_id: institutionId })).items;
}
