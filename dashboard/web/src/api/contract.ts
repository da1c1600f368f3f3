/** The shapes of the HTTP API and of the /live frames, one to one with the server's schemas. */

import type { Drill } from "./drills";
import type { DutyCheck } from "./dutyChecks";
import type { Role } from "./people";

export type Iso = string;

export const ALERT_KINDS = [
  "fire", "gas", "co", "fall", "sos", "offline", "power_loss", "low_battery", "sensor_fault", "anomaly",
  "unanswered", "system",
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** Worst first. */
export const PRIORITIES = ["critical", "high", "medium", "low", "advisory"] as const;
export type Priority = (typeof PRIORITIES)[number];

export type AlertState = "NORMAL" | "UNACKED" | "ACKED" | "RTN_UNACKED";
export type Verb = "raise" | "clear" | "acknowledge" | "reset" | "comment";
export type OperatorVerb = "acknowledge" | "reset";

/** Worst first. */
export const HEALTH_STATES = ["alarm", "warning", "offline", "normal"] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

export type InstitutionKind = "nursing_home" | "rescue_station" | "child_welfare" | "other";
export type ZoneKind =
  | "bedroom" | "kitchen" | "corridor" | "dining" | "activity" | "laundry"
  | "boiler_room" | "dormitory" | "office" | "storage" | "other";
export type DeviceKind = "smoke" | "heat" | "gas" | "co" | "fall" | "sos" | "multi";

export interface Problem {
  /** urn:anhu:problem:NAME. */
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  /** The longest that was possible, where something was too long. */
  limit_s?: number;
  /** The checklists that do not suit, where some did not. */
  checklists?: { id: string; zh: string; en: string }[];
  /** Why words cannot stand on a public page. */
  why?: string;
}

export interface Institution {
  id: number;
  code: string;
  name: string;
  name_en: string;
  kind: InstitutionKind;
  region: string;
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
  model: string;
  zone_id: number;
  report_interval_s: number;
  last_seen_at: Iso | null;
  state: HealthState;
  points: Point[];
  /** Days, like 2026-03-01; null where nobody has said. */
  installed_on: string | null;
  test_due_on: string | null;
}

export interface Zone {
  id: number;
  code: string;
  name: string;
  name_en: string;
  kind: ZoneKind;
  floor: number;
  devices: Device[];
}

export interface InstitutionDetail extends Institution {
  zones: Zone[];
}

/** Why an alert was raised. What is there depends on what judged; `unit` is that of the score and the threshold. */
export interface Evidence {
  rule?: string | null;
  quantity?: string | null;
  /** What was read, in the quantity's own unit. */
  value?: number | null;
  /** What was compared with the threshold: the reading itself, or how fast it rose. */
  score?: number | null;
  threshold?: number | null;
  unit?: string | null;
  /** The clause of the standard that the threshold comes from. */
  clause?: string | null;
  clause_zh?: string | null;
  text_zh?: string | null;
  text_en?: string | null;
}

export interface AlertInstitution {
  id: number;
  code: string;
  name: string;
  name_en: string;
}

export interface AlertZone {
  id: number;
  name: string;
  name_en: string;
  kind: ZoneKind;
  floor: number;
}

export interface AlertDevice {
  id: number;
  code: string;
  name: string;
  kind: DeviceKind;
}

/** Why an alert calls nobody: a person keeps it quiet, or another alert says it all. */
export type Quiet = "shelved" | "out_of_service" | "maintenance" | "confirmed_fire" | "institution_offline" | "power_loss";

export interface Alert {
  id: string;
  kind: AlertKind;
  priority: Priority;
  state: AlertState;
  /** Somebody still has something to do about it. */
  open: boolean;
  active: boolean;
  acknowledged: boolean;
  latching: boolean;
  latched: boolean;
  version: number;
  occurrences: number;
  /** Null where the alert is about Anhu itself. */
  institution: AlertInstitution | null;
  zone: AlertZone | null;
  device: AlertDevice | null;
  /** The code of a device that nobody has registered; "" for several of them. */
  unclaimed: string | null;
  /** A simulated alarm: it must never be taken for a real one. */
  drill: boolean;
  quiet: Quiet | null;
  quiet_until: Iso | null;
  /** When it last called for a person. */
  called_at: Iso;
  onset_at: Iso;
  raised_at: Iso;
  cleared_at: Iso | null;
  acknowledged_at: Iso | null;
  acknowledged_by: string | null;
  reset_at: Iso | null;
  rules: string[];
  evidence: Evidence;
}

export interface AlertEvent {
  /** Null, like `recorded_at`, while the database is away and only the spool has it. */
  id: number | null;
  verb: Verb;
  at: Iso;
  recorded_at: Iso | null;
  priority: Priority;
  rule: string | null;
  /** "engine" or "user:NAME". */
  actor: string;
  note: string | null;
  evidence: Evidence;
}

export interface Phone {
  name: string;
  number: string;
}

/** One thing to do; in English only where somebody has written it. */
export interface PlanStep {
  zh: string;
  en: string;
}

/** The plan of the floor an alert is on; without a spot nobody has marked the place. Shares of width and height. */
export interface AlertFloorPlan {
  floor: number;
  version: number;
  width_px: number;
  height_px: number;
  spot: { x: number; y: number; of: "device" | "zone" } | null;
}

/** What to do, for this kind of alert in this institution. */
export interface ActionPlan {
  kind: AlertKind;
  title_zh: string;
  title_en: string;
  steps: PlanStep[];
  phones: Phone[];
  /** How many residents cannot walk, `in_zone` null where the alert has no zone; null for those who may not know. */
  cannot_walk: { in_zone: number | null; in_institution: number } | null;
  floor_plan: AlertFloorPlan | null;
  source: "institution" | "default";
}

export interface AlertDetail extends Alert {
  events: AlertEvent[];
  plan: ActionPlan | null;
}

export type DeliveryState = "queued" | "sending" | "sent" | "failed" | "dead";

export interface AlertNotification {
  person: { id: number; name: string; role: Role };
  /** Null while it is held back to go with others. */
  channel: string | null;
  step: number;
  state: DeliveryState;
  at: Iso;
  attempts: number;
  error: string | null;
}

/** Why nobody further is told. */
export type SilentReason =
  | Quiet | "acknowledged" | "cleared" | "no_route" | "nobody_set_up" | "screen_only" | "not_begun" | "flapping"
  | "policy_ended" | "last_told";

export interface AlertNotifications {
  items: AlertNotification[];
  /** Who is told next unless somebody acknowledges; `again`: they have been told before. */
  next: { at: Iso; step: number; again: boolean; people: { id: number; name: string; role: Role }[] } | null;
  reason: SilentReason | null;
  /** When the calling ends if nobody acknowledges, and whether that is an alert of its own. */
  ends_at: Iso | null;
  ends_in_alert: boolean;
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
  edition: string;
  timescaledb: string;
  readings_last_minute: number;
  pipeline: { alive: boolean; heartbeat_at: Iso | null; lag_ms: number | null };
  dead_letters: { total: number; by_reason: Record<string, number> };
  unclaimed_count: number;
  live_clients: number;
}

export interface DeadLetter {
  id: number;
  received_at: Iso;
  topic: string;
  reason: string;
  detail: string;
  /** Its beginning, as text. */
  payload: string;
  payload_bytes: number;
}

export interface Unclaimed {
  institution: string;
  device: string;
  quantity: string;
  reason: string;
  first_seen_at: Iso;
  last_seen_at: Iso;
  message_count: number;
  last_topic: string;
  institution_id: number | null;
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
  /** Alarms have to come without the database: nothing can be acknowledged or looked up. */
  database_away: boolean;
  /** The worst of them; the others follow in frames of their own. */
  alerts: Alert[];
  /** How many frames of further alerts follow. */
  parts?: number;
  institutions: Institution[];
  /** Those not yet over. */
  duty_checks?: DutyCheck[];
  drills?: Drill[];
}

/** Further open alerts of the snapshot before; `parts` more of these follow. */
export interface SnapshotPartFrame {
  type: "snapshot_part";
  alerts: Alert[];
  parts: number;
}

export interface AlertFrame {
  type: "alert";
  cursor: number;
  event: AlertEvent;
  alert: Alert;
  institution: Institution | null;
}

/** Alerts that fell silent or call again without an event of their own. */
export interface QuietFrame {
  type: "quiet";
  institution_id: number | null;
  alerts: { id: string; quiet: Quiet | null; quiet_until: Iso | null }[];
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
  database_away: boolean;
}

export interface DutyCheckFrame {
  type: "duty_check";
  check: DutyCheck;
}

export interface DrillFrame {
  type: "drill";
  drill: Drill;
}

export type LiveFrame =
  | SnapshotFrame | SnapshotPartFrame | AlertFrame | QuietFrame | ReadingsFrame | HeartbeatFrame | DutyCheckFrame | DrillFrame;

export type ClientFrame = { type: "watch" | "unwatch"; device_id: number } | { type: "seen"; alert_id: string };
