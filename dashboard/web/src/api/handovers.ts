import { call, type Shapes } from "./call";

/** A note and what became of it; the desk is one institution's, or that of a region's duty centre. */
export type Handover = Shapes["Handover"];
/** The shift as the records have it; the lists hold the first of what the counts count. */
export type HandoverFacts = Shapes["HandoverFacts"];
/** Where something is, as far as it is known. */
export type HandoverPlace = Pick<Shapes["HandoverAlert"], "institution" | "zone" | "device">;
export type HandoverRefusal = NonNullable<Shapes["HandoverDraft"]["why_not"]>;
/** How long, and how often for one alarm, the desk's sound may be kept off. */
export type SoundPolicy = Shapes["SoundPolicy"];

export function soundPolicy(): Promise<SoundPolicy> {
  return call("GET", "/api/desk/sound");
}

export function page(before?: number): Promise<Shapes["HandoverPage"]> {
  return call("GET", "/api/handovers", { query: { before, limit: 20 } });
}

/** One's own desk: whether it hands over at all, and what nobody has taken over yet. */
export function desk(): Promise<Shapes["HandoverDesk"]> {
  return call("GET", "/api/handovers/desk");
}

export function draft(): Promise<Shapes["HandoverDraft"]> {
  return call("GET", "/api/handovers/draft");
}

export function load(id: number): Promise<Handover> {
  return call("GET", "/api/handovers/{handover_id}", { path: { handover_id: id } });
}

/** Rejects with 409 while somebody else's note waits. */
export function write(name: string, note: string): Promise<Handover> {
  return call("POST", "/api/handovers", { body: { name, note } });
}

/** Rejects with 409 where it does not wait any more, or the name is its writer's. */
export function takeOver(id: number, name: string, remark: string): Promise<Handover> {
  return call("POST", "/api/handovers/{handover_id}/take-over", { path: { handover_id: id }, body: { name, remark } });
}
