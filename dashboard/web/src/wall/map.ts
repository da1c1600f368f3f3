import type { Institution } from "@/api/contract";
import type { WallState } from "@/api/wall";

/** One institution on the map. */
export interface Tile {
  readonly id: number;
  readonly name: string;
  readonly name_en: string;
  readonly state: WallState;
}

export interface County {
  /** Its GB/T 2260 code, "" where nobody has said. */
  readonly code: string;
  readonly tiles: readonly Tile[];
}

export interface City {
  /** The first four digits. */
  readonly code: string;
  readonly counties: readonly County[];
}

/** How an institution is drawn, as the server judges it (dashboard/wall.py): an alarm before everything else. */
export function stateOf(institution: Institution, majorOverdue: ReadonlySet<number>): WallState {
  if (institution.state === "alarm") return "alarm";
  return majorOverdue.has(institution.id) ? "major_overdue" : institution.state;
}

function grouped<T>(things: Iterable<T>, key: (thing: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const thing of things) {
    const name = key(thing);
    const group = groups.get(name);
    if (group) group.push(thing);
    else groups.set(name, [thing]);
  }
  // Whoever has no code comes last.
  return [...groups].sort(([a], [b]) => Number(!a) - Number(!b) || (a < b ? -1 : 1));
}

/**
 * The institutions by city and county. Inside a county by their code, whatever their state: a place on the map stays
 * where it is, so that one can learn it.
 */
export function cities(institutions: readonly Institution[], majorOverdue: ReadonlySet<number>): City[] {
  return grouped(institutions, ({ region }) => region.slice(0, 4)).map(([code, within]) => ({
    code,
    counties: grouped(within, ({ region }) => region).map(([county, those]) => ({
      code: county,
      tiles: [...those]
        .sort((a, b) => (a.code < b.code ? -1 : 1))
        .map((each) => ({ id: each.id, name: each.name, name_en: each.name_en, state: stateOf(each, majorOverdue) })),
    })),
  }));
}

/** The largest of `sizes` (falling) that fits, else the smallest. */
export function largest(sizes: readonly number[], fits: (size: number) => boolean): number {
  return sizes.find(fits) ?? (sizes.at(-1) as number);
}
