import { readonly, ref } from "vue";
import { ElMessage } from "element-plus";
import "element-plus/theme-chalk/el-message.css";
import * as dutyChecks from "@/api/dutyChecks";
import type { DutyCheck } from "@/api/dutyChecks";
import { formatSpan } from "@/format/time";
import { i18n } from "@/i18n";
import { live } from "@/live/store";
import { explain } from "@/load";
import { tookMs } from "./check";

const busy = ref(false);

/** Says that somebody is there, and tells them how it went. */
async function answer(check: DutyCheck): Promise<void> {
  const { t } = i18n.global;
  busy.value = true;
  try {
    const answered = await dutyChecks.answer(check.id);
    live.adoptDutyCheck(answered);
    ElMessage.success(t("dutyCheck.answered", { span: formatSpan(tookMs(answered) ?? 0) }));
  } catch (error) {
    ElMessage.error(t("dutyCheck.failed", { detail: explain(error) }));
  } finally {
    busy.value = false;
  }
}

export const answering = { busy: readonly(busy), answer };
