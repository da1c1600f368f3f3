import type { Zone } from "@/api/contract";
import type { Mark } from "@/api/plans";
import { localName } from "@/i18n";

/** Something that can be marked on a floor plan. */
export interface Thing {
  key: string;
  zone_id: number | null;
  device_id: number | null;
  name: string;
  ofZone: string;
}

export function markKey(mark: Pick<Mark, "zone_id" | "device_id">): string {
  return mark.device_id === null ? `z${mark.zone_id}` : `d${mark.device_id}`;
}

/** The zones of a floor, each followed by its devices. */
export function thingsOn(zones: readonly Zone[], floor: number): Thing[] {
  return zones
    .filter((zone) => zone.floor === floor)
    .flatMap((zone) => {
      const place = localName(zone);
      return [
        { key: `z${zone.id}`, zone_id: zone.id, device_id: null, name: place, ofZone: "" },
        ...zone.devices.map(({ id, name }) => ({ key: `d${id}`, zone_id: null, device_id: id, name, ofZone: place })),
      ];
    });
}

/** The marks with `thing` at a place, in shares of the picture, whether it was marked before or not. */
export function withMark(marks: readonly Mark[], thing: Thing, x: number, y: number): Mark[] {
  const inside = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 10_000;
  const mark: Mark = { zone_id: thing.zone_id, device_id: thing.device_id, x: inside(x), y: inside(y) };
  return [...withoutMark(marks, thing.key), mark];
}

export function withoutMark(marks: readonly Mark[], key: string): Mark[] {
  return marks.filter((mark) => markKey(mark) !== key);
}
