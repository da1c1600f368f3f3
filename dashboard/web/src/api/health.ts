import { call, type Shapes } from "./call";

export type SystemHealth = Shapes["SystemHealth"];

export function health(): Promise<SystemHealth> {
  return call("GET", "/api/system/health");
}
