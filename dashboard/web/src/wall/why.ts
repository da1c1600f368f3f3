import type { WallReason } from "@/api/wall";
import { formatShare } from "@/format/share";
import { formatSpan } from "@/format/time";
import { i18n } from "@/i18n";

/** Why an institution stands where it stands, in words. */
export function whyText(reason: WallReason, nowMs: number): string {
  const words = {
    n: reason.count,
    span: reason.since ? formatSpan(nowMs - Date.parse(reason.since)) : "",
    share: formatShare(reason.amount),
    name: reason.name ?? "",
  };
  return i18n.global.t(`wall.why.${reason.why}`, words, reason.count);
}
