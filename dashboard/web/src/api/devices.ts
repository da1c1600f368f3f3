import { call, type Given, type Shapes } from "./call";
import { every } from "./every";
import { withQuery } from "./http";

type ListQuery = NonNullable<Given<"GET", "/api/devices">["query"]>;
export type Problem = NonNullable<ListQuery["problem"]>;
export type Sort = NonNullable<ListQuery["sort"]>;
export type DeviceRow = Shapes["DeviceRow"];
export type DevicePage = Shapes["DevicePage"];
/** What the list is narrowed to. */
export type Asked = Omit<ListQuery, "sort" | "descending" | "limit" | "offset">;

export const PROBLEMS = every<Problem>()("offline", "low_battery", "sensor_fault", "test_due", "quiet");
export const SORTS = every<Sort>()("place", "name", "kind", "installed", "test_due", "since");

export function list(query: ListQuery): Promise<DevicePage> {
  return call("GET", "/api/devices", { query });
}

export function unclaimed(limit: number, offset: number): Promise<Shapes["UnclaimedAtPage"]> {
  return call("GET", "/api/devices/unclaimed", { query: { limit, offset } });
}

/** Where the list is as a registry file. */
export function fileAddress(asked: Asked): string {
  return withQuery("/api/devices/registry.csv", asked);
}
