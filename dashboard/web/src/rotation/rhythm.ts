/** The rhythms most institutions have; anything else is set by hand. */
export const RHYTHMS = ["daily", "weekly", "two_shifts", "three_shifts"] as const;
export type Rhythm = (typeof RHYTHMS)[number];

interface Shifts {
  starts: string[];
  shifts_per_turn: number;
}

const SHIFTS: Record<Rhythm, Shifts> = {
  daily: { starts: ["08:00"], shifts_per_turn: 1 },
  weekly: { starts: ["08:00"], shifts_per_turn: 7 },
  two_shifts: { starts: ["08:00", "20:00"], shifts_per_turn: 1 },
  three_shifts: { starts: ["07:00", "15:00", "23:00"], shifts_per_turn: 1 },
};

export function shiftsOf(rhythm: Rhythm): Shifts {
  return { starts: [...SHIFTS[rhythm].starts], shifts_per_turn: SHIFTS[rhythm].shifts_per_turn };
}
