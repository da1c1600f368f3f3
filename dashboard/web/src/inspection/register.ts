import type { DrawDetail, Part } from "@/api/draws";
import { PARTS } from "@/api/draws";

export interface CandidateLine {
  code: string;
  name: string;
  weight: number;
  /** The chance to be drawn first, 0 to 1: exactly its share of the weights. */
  share: number;
  parts: { part: Part; value: number }[];
  /** Its place in what was drawn, from 1; null where it was not. */
  order: number | null;
}

/** The candidates, the heaviest first; the parts of each weight without those that add nothing. */
export function candidateLines(draw: Pick<DrawDetail, "register_body" | "grounds" | "result">): CandidateLine[] {
  const { candidates } = draw.register_body;
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = (draw.result?.visits ?? []).map(({ institution }) => institution);
  return candidates
    .map(({ code, name, weight }) => ({
      code, name, weight, share: weight / total, order: drawn.includes(code) ? drawn.indexOf(code) + 1 : null,
      parts: PARTS.map((part) => ({ part, value: draw.grounds.parts[code]?.[part] ?? 0 })).filter(({ value }) => value !== 0),
    }))
    .sort((one, two) => two.weight - one.weight || (one.code < two.code ? -1 : 1));
}

export interface InspectorLine {
  key: string;
  name: string;
  duties: string[];
  keptFrom: { place: string; reason: DrawDetail["grounds"]["conflicts"][number][2] }[];
}

/** The inspectors in the order of the register, with what keeps each from where. `placeName` names an institution by its code. */
export function inspectorLines(draw: Pick<DrawDetail, "register_body" | "grounds" | "names">, placeName: (code: string) => string): InspectorLine[] {
  return draw.register_body.inspectors.map(({ key, duties }) => ({
    key, name: draw.names[key] ?? key, duties,
    keptFrom: draw.grounds.conflicts.filter(([who]) => who === key).map(([, code, reason]) => ({ place: placeName(code), reason })),
  }));
}
