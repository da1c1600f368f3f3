import type { Alert } from "@/api/contract";

/** Whether an alarm of an institution is critical or high, and nobody has taken it on. */
export function isUrgent(alert: Pick<Alert, "priority" | "acknowledged" | "drill" | "institution">): boolean {
  return !alert.acknowledged && !alert.drill && alert.institution !== null && ["critical", "high"].includes(alert.priority);
}
