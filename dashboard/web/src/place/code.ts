import { encode } from "uqr";

/** What a code stands for: a device or a zone of an institution. */
export interface PlaceKey {
  institutionId: number;
  kind: "device" | "zone";
  id: number;
}

/** The last part of the address: short, because every letter makes the code finer. "/q/7/d12" */
export function placePath({ institutionId, kind, id }: PlaceKey): string {
  return `/q/${institutionId}/${kind === "device" ? "d" : "z"}${id}`;
}

/** The inverse, of the route's two parameters; null for what is none. */
export function placeKey(institution: string, place: string): PlaceKey | null {
  const found = /^([dz])([1-9]\d{0,9})$/.exec(place);
  if (!found || !/^[1-9]\d{0,9}$/.test(institution)) return null;
  return { institutionId: Number(institution), kind: found[1] === "d" ? "device" : "zone", id: Number(found[2]) };
}

export interface Code {
  /** Modules a side, the quiet zone included. */
  size: number;
  /** The dark modules, as the path of an SVG with `size` units a side. */
  path: string;
}

/** White modules around it, as ISO/IEC 18004 asks for. */
const QUIET_MODULES = 4;

/** A QR code of `text`. Level M: a seventh of it may be scratched or greasy. */
export function qrCode(text: string): Code {
  const { size, data } = encode(text, { ecc: "M", border: QUIET_MODULES });
  let path = "";
  data.forEach((row, y) => {
    row.forEach((dark, x) => {
      if (dark) path += `M${x} ${y}h1v1h-1z`;
    });
  });
  return { size, path };
}
