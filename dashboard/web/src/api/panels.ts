import { call, type Shapes } from "./call";

/** A fire panel's transmission device; nulls where it was never heard, its clock cannot be read, nothing was denied. */
export type Panel = Shapes["Panel"];

export function panels(): Promise<Shapes["Panels"]> {
  return call("GET", "/api/panels");
}
