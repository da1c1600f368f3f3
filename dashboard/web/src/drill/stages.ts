import type { Drill } from "@/api/drills";

export const STAGES = ["raised", "seen", "pushed", "acknowledged"] as const;
export type Stage = (typeof STAGES)[number];

/** Seconds from the drill's start to alert, screen, push and acknowledgement; null until then. */
export function stageSeconds(drill: Drill): Record<Stage, number | null> {
  const raised = drill.raised_at ? (Date.parse(drill.raised_at) - Date.parse(drill.started_at)) / 1000 : null;
  return {
    raised: raised === null ? null : Math.max(0, raised),
    seen: drill.seen_on_screen_s,
    pushed: drill.pushed_s,
    acknowledged: drill.acknowledged_s,
  };
}

/** Tenths below ten seconds, whole seconds above: "0.4", "37". */
export function secondsText(seconds: number): string {
  return seconds < 10 ? seconds.toFixed(1) : String(Math.round(seconds));
}
