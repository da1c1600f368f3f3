const FIRST_DELAY_MS = 500;
const DELAY_MS_MAX = 15_000;

/** The wait before the nth attempt (from 0): doubling, with half of it random, so that a hundred pages don't come back in step. */
export function reconnectDelayMs(attempt: number, random: number): number {
  const full = Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full / 2 + (full / 2) * random);
}
