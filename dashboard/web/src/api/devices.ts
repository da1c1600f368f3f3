import type { AlertInstitution, AlertKind, AlertZone, Device, Iso } from "./contract";
import { address, get } from "./http";

export const PROBLEMS = ["offline", "low_battery", "sensor_fault", "test_due", "quiet"] as const;
export type Problem = (typeof PROBLEMS)[number];
export const SORTS = ["place", "name", "kind", "installed", "test_due", "since"] as const;
export type Sort = (typeof SORTS)[number];

export interface DeviceRow {
  device: Device;
  institution: AlertInstitution;
  zone: AlertZone;
  /** When the problem that the list is about began. */
  since: Iso | null;
  troubles: { kind: AlertKind; since: Iso; whole: boolean; text_zh: string; text_en: string }[];
  silence: { means: "shelve" | "out_of_service" | "maintenance"; alert_kind: AlertKind | null; reason: string; until_at: Iso } | null;
  /** Null where nothing is known of it. */
  battery: { percent: number; per_30_days: number | null; change_by: string | null } | null;
}

export interface DevicePage {
  items: DeviceRow[];
  total: number;
  all_count: number;
  counts: Record<Problem, number>;
  unclaimed_count: number;
}

export interface Asked {
  problem?: Problem | undefined;
  institution_id?: number | undefined;
  zone_id?: number | undefined;
  zone_kind?: string | undefined;
  kind?: string | undefined;
  q?: string | undefined;
}

export interface UnclaimedAt {
  institution: AlertInstitution;
  device: string;
  last_seen_at: Iso;
}

export function list(asked: Asked & { sort: Sort; descending: boolean; limit: number; offset: number }): Promise<DevicePage> {
  return get("/devices", { ...asked, descending: asked.descending ? "true" : undefined });
}

export function unclaimed(limit: number, offset: number): Promise<{ items: UnclaimedAt[]; total: number }> {
  return get("/devices/unclaimed", { limit, offset });
}

/** Where the list is as a registry file. */
export function fileAddress(asked: Asked): string {
  return address("/devices/registry.csv", { ...asked });
}
