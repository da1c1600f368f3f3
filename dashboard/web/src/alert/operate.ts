import { ref, shallowRef } from "vue";
import { ElMessage } from "element-plus";
import "element-plus/theme-chalk/el-message.css";
import * as api from "@/api/client";
import type { Alert, AlertDetail, OperatorVerb } from "@/api/contract";
import { actorName } from "@/format/actor";
import { formatTime } from "@/format/time";
import { i18n } from "@/i18n";
import { live } from "@/live/store";
import { explain } from "@/load";

const busy = ref<ReadonlySet<string>>(new Set());

function setBusy(id: string, on: boolean): void {
  const next = new Set(busy.value);
  if (on) next.add(id);
  else next.delete(id);
  busy.value = next;
}

/** Somebody or something was quicker: shows the alert as it is now and says who it was. */
async function yieldToOther(verb: OperatorVerb, id: string): Promise<void> {
  const { t } = i18n.global;
  const detail: AlertDetail = await api.alert(id);
  live.adopt(detail);
  const other = detail.events.findLast((event) => event.verb === verb);
  if (other && (verb === "acknowledge" ? detail.acknowledged : !detail.open)) {
    const key = verb === "acknowledge" ? "alert.firstWas" : "alert.resetFirst";
    ElMessage.info(t(key, { who: actorName(other.actor), time: formatTime(other.at, "clock") }));
  } else {
    ElMessage.warning(t("alert.changed"));
  }
}

/** Clicks that met no service or one without its database, by alert: what was to be done, and what went wrong. */
const vain = shallowRef<ReadonlyMap<string, { verb: OperatorVerb; cause: unknown }>>(new Map());

function noteInVain(id: string, verb: OperatorVerb, cause: unknown): void {
  vain.value = new Map(vain.value).set(id, { verb, cause });
}

function forget(id: string): void {
  vain.value = new Map([...vain.value].filter(([known]) => known !== id));
}

/** Why the last click on this alert was not recorded; null where there was none, or where it is done meanwhile. */
function inVain(alert: Alert): unknown {
  const known = vain.value.get(alert.id);
  if (!known || !alert.open || (known.verb === "acknowledge" && alert.acknowledged)) return null;
  return known.cause;
}

/** Whether a request met no service, or one without its database: it may do the same thing later. */
function unheard(cause: unknown): boolean {
  return cause instanceof api.ApiError && (cause.status === 0 || cause.status >= 500);
}

/** Acknowledges or resets an alert and tells the operator how it went; true when it was this click that did it. */
async function operate(verb: OperatorVerb, alert: Alert, note = ""): Promise<boolean> {
  if (busy.value.has(alert.id)) return false;
  setBusy(alert.id, true);
  forget(alert.id);
  try {
    live.adopt(await api.operate(verb, alert.id, alert.version, note));
    return true;
  } catch (error) {
    try {
      if (!(error instanceof api.ApiError) || error.status !== 409) throw error;
      await yieldToOther(verb, alert.id);
    } catch (cause) {
      if (unheard(cause)) noteInVain(alert.id, verb, cause);
      else ElMessage.error(i18n.global.t("alert.operateFailed", { detail: explain(cause) }));
    }
    return false;
  } finally {
    setBusy(alert.id, false);
  }
}

export const operator = { busy, inVain, operate };
