/** What is watched and what the live frames bring, by the names the page knows it by. The shapes are the server's. */

import type { Shapes } from "./call";
import { every } from "./every";
import type { webhooks } from "./schema";

export type Iso = string;

export type Alert = Shapes["Alert"];
export type AlertDetail = Shapes["AlertDetail"];
export type AlertEvent = Shapes["AlertEvent"];
export type AlertInstitution = Shapes["AlertInstitution"];
export type AlertZone = Shapes["AlertZone"];
export type AlertDevice = Shapes["AlertDevice"];
export type Evidence = Alert["evidence"];

export type AlertKind = Alert["kind"];
export const ALERT_KINDS = every<AlertKind>()(
  "fire", "gas", "co", "fall", "sos", "offline", "power_loss", "low_battery", "sensor_fault", "anomaly", "unanswered", "system",
);

export type Priority = Alert["priority"];
/** Worst first. */
export const PRIORITIES = every<Priority>()("critical", "high", "medium", "low", "advisory");

export type AlertState = Alert["state"];
export type Verb = AlertEvent["verb"];
export type OperatorVerb = Extract<Verb, "acknowledge" | "reset">;
/** Why an alert calls nobody: a person keeps it quiet, or another alert says it all. */
export type Quiet = NonNullable<Alert["quiet"]>;

export type Institution = Shapes["Institution"];
export type InstitutionDetail = Shapes["InstitutionDetail"];
export type InstitutionKind = Institution["kind"];
export type Zone = Shapes["Zone"];
export type ZoneKind = Zone["kind"];
export type Device = Shapes["Device"];
export type DeviceKind = Device["kind"];
export type Point = Shapes["Point"];
export type Series = Shapes["Series"];
export type Readings = Shapes["Readings"];

export type HealthState = Institution["state"];
/** Worst first. */
export const HEALTH_STATES = every<HealthState>()("alarm", "warning", "offline", "normal");

/** An error as told, or as much of it as there is where the server did not answer. */
export type Problem = Partial<Shapes["Problem"]>;

export type Phone = Shapes["PlanPhone"];
export type PlanStep = Shapes["PlanStep-Output"];
export type AlertFloorPlan = Shapes["AlertFloorPlan"];
/** What to do, for this kind of alert in this institution. */
export type ActionPlan = Shapes["AlertPlan"];

export type AlertNotification = Shapes["Notification"];
export type AlertNotifications = Shapes["Notifications"];
export type DeliveryState = AlertNotification["state"];
/** Why nobody further is told. */
export type SilentReason = NonNullable<AlertNotifications["reason"]>;

export type SystemStatus = Shapes["System"];
export type DeadLetter = Shapes["DeadLetter"];
export type Unclaimed = Shapes["Unclaimed"];

export type LiveSeries = Shapes["LiveSeries"];
export type SnapshotFrame = Shapes["SnapshotFrame"];
export type AlertFrame = Shapes["AlertFrame"];
export type QuietFrame = Shapes["QuietFrame"];
export type ReadingsFrame = Shapes["ReadingsFrame"];
export type HeartbeatFrame = Shapes["HeartbeatFrame"];
export type DutyCheckFrame = Shapes["DutyCheckFrame"];
export type DrillFrame = Shapes["DrillFrame"];

type Messages = webhooks["live"]["post"];
/** What comes over the websocket. */
export type LiveFrame = Messages["responses"][200]["content"]["application/json"];
/** What a page may say over it. */
export type ClientFrame = Messages["requestBody"]["content"]["application/json"];
