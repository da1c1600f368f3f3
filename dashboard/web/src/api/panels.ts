import type { Iso } from "./contract";
import { get } from "./http";

/** A fire panel's transmission device; nulls where it was never heard, its clock cannot be read, nothing was denied. */
export interface Panel {
  address: string;
  institution: string;
  device: string;
  name: string;
  heard_at: Iso | null;
  clock_ahead_s: number | null;
  denied_at: Iso | null;
  denied_for: string;
}

export function panels(): Promise<{ items: Panel[] }> {
  return get("/panels");
}
