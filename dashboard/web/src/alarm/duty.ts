import { computed } from "vue";
import { nowMs } from "@/clock";
import { live } from "@/live/store";
import { session } from "@/session";
import { answerable } from "@/duty/check";

/** Ids of the checks this desk must answer now: text, so that nothing is worked out again each second. */
const openIds = computed(() => {
  if (!session.may("answer_duty_check")) return "";
  return answerable(live.dutyChecks.value, session.ownInstitutionId.value, nowMs.value).map(({ id }) => id).join();
});

/** The duty checks put to this desk and not answered yet, the most urgent first. */
export const ownChecks = computed(() => {
  const ids = openIds.value.split(",");
  return live.dutyChecks.value
    .filter(({ id }) => ids.includes(String(id)))
    .sort((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at));
});
