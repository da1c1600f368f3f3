import { computed, onMounted, watch, type ComputedRef } from "vue";
import { formatTime } from "@/format/time";
import { live } from "@/live/store";
import { session } from "@/session";
import { keepAccount, keptAccount, noteLeft } from "./account";
import type { QueuedAct } from "./queue";
import { phone } from "./sync";
import { worker } from "./worker";

/** What every page of the phone begins with: this account's work is kept here, and the page itself for when there is no signal. */
export function usePhone(): { phone: typeof phone; personId: ComputedRef<number>; personName: ComputedRef<string> } {
  watch(session.user, (who) => {
    if (!who) {
      phone.close();
      return;
    }
    if (keptAccount()?.user.id !== who.id) keepAccount(who, Date.now());
    noteLeft(who.id, false);
    void phone.open(who);
  }, { immediate: true });
  onMounted(() => void worker.install());
  return {
    phone,
    personId: computed(() => session.user.value?.person_id ?? 0),
    personName: computed(() => session.user.value?.display_name || session.user.value?.username || ""),
  };
}

/** Whether the alarms' connection stands, which is how the phone tells whether there is signal. */
export const connected = live.connected;

export function shortTime(atMs: number): string {
  return formatTime(atMs, "full").slice(5, 16);
}

/** How an act stands, as a word: one that is on its way now is being sent. */
export function stateOf(act: QueuedAct): QueuedAct["state"] | "sending" {
  return phone.sending.value === act.id ? "sending" : act.state;
}
