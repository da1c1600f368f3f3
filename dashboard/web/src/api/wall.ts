import type { Alert, Iso, Priority } from "./contract";
import { get } from "./http";
import type { RatingRow } from "./ratings";

/** Worst first. */
export const WALL_STATES = ["alarm", "major_overdue", "offline", "warning", "normal"] as const;
export type WallState = (typeof WALL_STATES)[number];

export const WALL_SORTS = ["risk", "name", "region", "grade", "hazards", "offline"] as const;
export type WallSort = (typeof WALL_SORTS)[number];

export type Why =
  | "critical_waiting" | "critical_open" | "high_waiting" | "high_open" | "major_overdue" | "silent" | "major_open"
  | "black_listed" | "watch_listed" | "grade" | "fire_overdue" | "overdue" | "offline";

export interface WallReason {
  why: Why;
  count: number;
  since: Iso | null;
  /** The weight of the grade `name`, or the share of devices that are offline. */
  amount: number;
  name: string | null;
}

type Place = RatingRow["institution"];

export interface WallInstitution {
  /** 1 is looked at first. */
  rank: number;
  institution: Place;
  state: WallState;
  reasons: WallReason[];
  open_alerts: Record<Priority, number>;
  hazards_overdue: number;
  major_overdue: number;
  grade: string | null;
  device_count: number;
  offline_count: number;
}

export interface WallInstitutions {
  items: WallInstitution[];
  total: number;
  states: Partial<Record<WallState, number>>;
  regions: Record<string, number>;
}

export interface WallResponse {
  priority: Priority;
  raised: number;
  raised_24h: number;
  acknowledged: number;
  /** Null while so large a share is still waiting. */
  median_s: number | null;
  p90_s: number | null;
  due: number;
  in_time: number;
  share: number | null;
}

export interface WallDay {
  day: string;
  counts: Record<Priority, number>;
}

export interface WallHazards {
  open: number;
  overdue: number;
  reported: number;
  closed: number;
}

export interface WallFireRow {
  institution: Place;
  open_count: number;
  due_on: string;
  days_left: number;
}

export interface WallCampaign {
  id: string;
  theme: string;
  region: string;
  ends_on: string;
  days_left: number;
  visits: number;
  begun: number;
  concluded: number;
}

export interface Wall {
  as_of: Iso;
  alarms: { open: Record<Priority, number>; waiting: number; days: WallDay[]; responses: WallResponse[] };
  major: WallHazards;
  general: WallHazards;
  /** `reported` and `closed` are of this many days. */
  closing_days: number;
  ratings: {
    grades: Record<string, number>;
    unrated: number;
    change_days: number;
    fell: number;
    rose: number;
    movers: RatingRow[];
  };
  devices: { total: number; offline: number; silent_institutions: number };
  fire: { known: number; left: number; open_gaps: number; overdue: number; unsaid: number; items: WallFireRow[] };
  campaigns: WallCampaign[];
  major_overdue: number[];
}

export interface WallCalls {
  items: { alert: Alert; told: string[] | null }[];
  total: number;
}

export interface WallFilter {
  sort: WallSort;
  backwards?: "true";
  state?: WallState;
  grade?: string;
  region?: string;
  q?: string;
  offset: number;
  limit: number;
}

export function figures(): Promise<Wall> {
  return get("/wall");
}

export function calls(limit: number): Promise<WallCalls> {
  return get("/wall/calls", { limit });
}

export function institutions(filter: WallFilter): Promise<WallInstitutions> {
  return get("/wall/institutions", { ...filter });
}

export function institution(id: number): Promise<WallInstitution> {
  return get(`/wall/institutions/${id}`);
}
