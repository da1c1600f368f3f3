import type { Campaign } from "@/api/campaigns";
import { formatTime } from "@/format/time";

/** Where a campaign stands by its days, in Beijing time: both its first and its last day belong to it. */
export function phase({ begins_on, ends_on }: Pick<Campaign, "begins_on" | "ends_on">, nowMs: number): "ahead" | "running" | "over" {
  const today = formatTime(nowMs, "full").slice(0, 10);
  return today < begins_on ? "ahead" : today > ends_on ? "over" : "running";
}
