import type { Alert } from "@/api/contract";
import type { SoundPolicy } from "@/api/handovers";

/** One alarm kept silent: until when (ms), the how many-eth time, and for which of its calls. */
export interface Mute {
  untilMs: number;
  count: number;
  calledAt: string;
}

export type Mutes = Readonly<Record<string, Mute>>;
type Sounding = Pick<Alert, "id" | "called_at">;

/** The mute of this call of the alarm: raised again or grown worse it is another call, which nobody has muted. */
function muteOf({ id, called_at }: Sounding, mutes: Mutes): Mute | null {
  const known = mutes[id];
  return known?.calledAt === called_at ? known : null;
}

/** Those of the sounding alarms that are to be heard at `atMs`. */
export function heard<T extends Sounding>(sounding: readonly T[], mutes: Mutes, atMs: number): T[] {
  return sounding.filter((alert) => (muteOf(alert, mutes)?.untilMs ?? 0) <= atMs);
}

/** When the first of those that are muted at `atMs` is heard again by itself; null where none is. */
export function backAtMs(sounding: readonly Sounding[], mutes: Mutes, atMs: number): number | null {
  const untils = sounding.map((alert) => muteOf(alert, mutes)?.untilMs ?? 0).filter((untilMs) => untilMs > atMs);
  return untils.length ? Math.min(...untils) : null;
}

/** For how long all that is heard may be muted now: 0 where the policy forbids it, or is not known. */
export function muteMs(heardNow: readonly Sounding[], mutes: Mutes, policy: SoundPolicy | null): number {
  if (!policy || !heardNow.length) return 0;
  const usedUp = heardNow.some((alert) => (muteOf(alert, mutes)?.count ?? 0) >= policy.mutes_max);
  return usedUp ? 0 : policy.mute_s_max * 1000;
}

/** All that is heard at `atMs` is muted for as long as the policy allows; what does not sound any more is forgotten. */
export function muted(sounding: readonly Sounding[], mutes: Mutes, policy: SoundPolicy | null, atMs: number): Mutes {
  const quiet = new Set(heard(sounding, mutes, atMs).map(({ id }) => id));
  const lengthMs = muteMs(sounding.filter(({ id }) => quiet.has(id)), mutes, policy);
  const next: Record<string, Mute> = {};
  for (const alert of sounding) {
    const known = muteOf(alert, mutes);
    if (quiet.has(alert.id) && lengthMs > 0) {
      next[alert.id] = { untilMs: atMs + lengthMs, count: (known?.count ?? 0) + 1, calledAt: alert.called_at };
    } else if (known) next[alert.id] = known;
  }
  return next;
}
