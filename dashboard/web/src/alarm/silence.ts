import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";
import * as handovers from "@/api/handovers";
import type { SoundPolicy } from "@/api/handovers";
import { serverNowMs } from "@/clock";
import { live } from "@/live/store";
import { backAtMs, heard, muted, muteMs, type Mutes } from "./mute";

/** Shared by all tabs of this browser: whoever mutes the desk mutes it once, and for one time. */
const STORAGE_KEY = "anhu.mutes";
const POLICY_RETRY_MS = 30_000;

const policy = shallowRef<SoundPolicy | null>(null);
const mutes = shallowRef<Mutes>({});
/** The moment what is muted was last judged; moves on when the first mute ends. */
const judgedMs = ref(serverNowMs());
let backTimer: ReturnType<typeof setTimeout> | undefined;
let policyTimer: ReturnType<typeof setTimeout> | undefined;

const heardAlerts = computed(() => heard(live.soundingAlerts.value, mutes.value, judgedMs.value));
const backMs = computed(() => backAtMs(live.soundingAlerts.value, mutes.value, judgedMs.value));

function remembered(): Mutes {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "{}") as Mutes;
  } catch {
    return {}; // Storage may be forbidden by policy, or hold what is no mute: then nothing is muted.
  }
}

/** Everything that sounds now falls silent, for as long as the policy allows. */
function mute(): void {
  const nowMs = serverNowMs();
  mutes.value = muted(live.soundingAlerts.value, mutes.value, policy.value, nowMs);
  judgedMs.value = nowMs;
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(mutes.value));
  } catch {
    // See remembered(): this tab is silent, the others are not.
  }
}

function hear(event: StorageEvent): void {
  if (event.key !== STORAGE_KEY) return;
  mutes.value = remembered();
  judgedMs.value = serverNowMs();
}

/** The limits are asked for again with every new connection; until they are known nothing can be muted. */
async function ask(): Promise<void> {
  clearTimeout(policyTimer);
  try {
    policy.value = await handovers.soundPolicy();
  } catch {
    policyTimer = setTimeout(() => void ask(), POLICY_RETRY_MS);
  }
}

/** Follows the mutes, also those of other tabs, while the scope lives. */
function follow(): void {
  mutes.value = remembered();
  judgedMs.value = serverNowMs();
  window.addEventListener("storage", hear);
  watch(live.snapshotCount, () => void ask());
  // Whatever sounds anew is judged by the time it is now.
  watch(live.soundingAlerts, () => (judgedMs.value = serverNowMs()));
  watch(backMs, (atMs) => {
    clearTimeout(backTimer);
    if (atMs !== null) backTimer = setTimeout(() => (judgedMs.value = serverNowMs()), Math.max(0, atMs - serverNowMs()) + 1);
  }, { immediate: true });
  onScopeDispose(() => {
    window.removeEventListener("storage", hear);
    clearTimeout(backTimer);
    clearTimeout(policyTimer);
  });
}

export const silence = {
  follow,
  mute,
  /** Those of the sounding alarms that are to be heard. */
  heardAlerts,
  /** When the first of the muted ones is heard again (server's time, ms). */
  backMs,
  /** For how long what is heard may be muted; 0: not at all. */
  muteMs: computed(() => muteMs(heardAlerts.value, mutes.value, policy.value)),
  /** How long the tone about a lost connection may be kept off. */
  faultMuteMs: computed(() => (policy.value?.fault_mute_s_max ?? 0) * 1000),
};
