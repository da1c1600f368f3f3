/** The shapes of the HTTP API and of the /live frames, one to one with the server's schemas. */

export type Iso = string;

export const ALERT_KINDS = [
  "fire", "gas", "co", "fall", "sos", "offline", "low_battery", "sensor_fault", "anomaly",
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** Worst first. */
export const PRIORITIES = ["critical", "high", "medium", "low", "advisory"] as const;
export type Priority = (typeof PRIORITIES)[number];

export type AlertState = "NORMAL" | "UNACKED" | "ACKED" | "RTN_UNACKED";
export type Verb = "raise" | "worsen" | "clear" | "acknowledge" | "reset";
export type OperatorVerb = "acknowledge" | "reset";

/** Worst first. */
export const HEALTH_STATES = ["alarm", "warning", "offline", "normal"] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

export type InstitutionKind = "nursing_home" | "rescue_station" | "child_welfare" | "other";
export type ZoneKind =
  | "bedroom" | "kitchen" | "corridor" | "dining" | "activity" | "laundry"
  | "boiler_room" | "dormitory" | "office" | "storage" | "other";
export type DeviceKind = "smoke" | "heat" | "gas" | "co" | "fall" | "sos" | "multi";

export interface User {
  id: number;
  username: string;
  display_name: string;
  role: string;
}

export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
}

export interface Institution {
  id: number;
  code: string;
  name: string;
  name_en: string | null;
  kind: InstitutionKind;
  region: string | null;
  device_count: number;
  offline_count: number;
  open_alerts: Record<Priority, number>;
  state: HealthState;
}

export interface Point {
  id: number;
  quantity: string;
  unit: string;
  last_value: number | null;
  last_measured_at: Iso | null;
}

export interface Device {
  id: number;
  code: string;
  name: string;
  kind: DeviceKind;
  model: string | null;
  zone_id: number;
  report_interval_s: number;
  last_seen_at: Iso | null;
  state: HealthState;
  points: Point[];
}

export interface Zone {
  id: number;
  code: string;
  name: string;
  name_en: string | null;
  kind: ZoneKind;
  floor: number | null;
  devices: Device[];
}

export interface InstitutionDetail extends Institution {
  zones: Zone[];
}

export interface Evidence {
  rule?: string | null;
  quantity?: string | null;
  value?: number | null;
  threshold?: number | null;
  unit?: string | null;
  text_zh?: string | null;
  text_en?: string | null;
}

export interface AlertInstitution {
  id: number;
  code: string;
  name: string;
  name_en: string | null;
}

export interface AlertZone {
  id: number;
  name: string;
  name_en: string | null;
  kind: ZoneKind;
  floor: number | null;
}

export interface AlertDevice {
  id: number;
  code: string;
  name: string;
  kind: DeviceKind;
}

export interface Alert {
  id: string;
  kind: AlertKind;
  priority: Priority;
  state: AlertState;
  active: boolean;
  acknowledged: boolean;
  latching: boolean;
  version: number;
  occurrences: number;
  institution: AlertInstitution;
  zone: AlertZone | null;
  device: AlertDevice | null;
  onset_at: Iso;
  raised_at: Iso;
  cleared_at: Iso | null;
  acknowledged_at: Iso | null;
  acknowledged_by: string | null;
  rules: string[];
  evidence: Evidence;
}

export interface AlertEvent {
  id: number;
  verb: Verb;
  at: Iso;
  recorded_at: Iso;
  priority: Priority | null;
  rule: string | null;
  actor: string | null;
  note: string | null;
  evidence: Evidence | null;
}

export interface AlertDetail extends Alert {
  events: AlertEvent[];
}

export interface Page<T> {
  items: T[];
  total: number;
}

export interface CursorPage<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Series {
  point_id: number;
  quantity: string;
  unit: string;
  measured_at_ms: number[];
  value: number[];
  low: number[] | null;
  high: number[] | null;
}

export interface Readings {
  device: Device;
  from: Iso;
  to: Iso;
  series: Series[];
}

export interface SystemStatus {
  version: string;
  edition: string | null;
  readings_last_minute: number;
  pipeline: { alive: boolean; heartbeat_at: Iso | null; lag_ms: number | null };
  dead_letters: { total: number; by_reason: Record<string, number> };
  unclaimed_count: number;
}

export interface DeadLetter {
  id: number;
  received_at: Iso;
  topic: string | null;
  reason: string;
  detail: string | null;
}

export interface Unclaimed {
  institution: string;
  device: string;
  first_seen_at: Iso | null;
  last_seen_at: Iso | null;
  message_count: number | null;
}

export interface LiveSeries {
  point_id: number;
  quantity: string;
  measured_at_ms: number[];
  value: number[];
}

export interface SnapshotFrame {
  type: "snapshot";
  cursor: number;
  server_time: Iso;
  alerts: Alert[];
  institutions: Institution[];
}

export interface AlertFrame {
  type: "alert";
  cursor: number;
  event: Pick<AlertEvent, "id" | "verb" | "at" | "actor">;
  alert: Alert;
  institution: Institution;
}

export interface ReadingsFrame {
  type: "readings";
  device_id: number;
  series: LiveSeries[];
}

export interface HeartbeatFrame {
  type: "heartbeat";
  server_time: Iso;
  cursor: number;
  pipeline_alive: boolean;
}

export type LiveFrame = SnapshotFrame | AlertFrame | ReadingsFrame | HeartbeatFrame;

export type ClientFrame = { type: "watch" | "unwatch"; device_id: number };
