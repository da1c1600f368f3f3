import { computed, readonly, ref, watch } from "vue";
import { live } from "@/live/store";

/** Why this page may not show the next alarm. */
export type Fault = "lost" | "pipeline";

/** A restart of the service takes seconds: only after this long does a fault call for a person by sound. */
const PATIENCE_MS = 10_000;
/** How long the tone can be kept off where the policy is not known: the page may never have reached the server. */
const SILENCE_MS = 60_000;

/** What is wrong now; a connection that breaks for less than a second is nothing. */
const current = computed<Fault | null>(() => {
  if (live.lostSinceMs.value !== null) return "lost";
  return live.connected.value && live.pipelineAlive.value === false ? "pipeline" : null;
});
/** What has been wrong for so long that it calls. */
const lasting = ref<Fault | null>(null);
/** When the tone that somebody has turned off is heard again (this computer's time, ms). */
const backMs = ref<number | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;
let backTimer: ReturnType<typeof setTimeout> | undefined;

/** Heard enough for now: for as long as the policy allows, then the tone is back while the trouble lasts. */
function silence(lengthMs = SILENCE_MS): void {
  clearTimeout(backTimer);
  backMs.value = Date.now() + lengthMs;
  backTimer = setTimeout(() => (backMs.value = null), lengthMs);
}

function over(): void {
  clearTimeout(timer);
  clearTimeout(backTimer);
  timer = undefined;
  lasting.value = null;
  backMs.value = null;
}

/** Follows what is wrong until the scope ends; one fault that turns into the other is still the same trouble. */
function follow(): () => void {
  const stop = watch(current, (now) => {
    if (!now) over();
    else if (lasting.value) {
      lasting.value = now;
    } else {
      timer ??= setTimeout(() => {
        timer = undefined;
        lasting.value = current.value;
      }, PATIENCE_MS);
    }
  }, { immediate: true });
  return () => {
    stop();
    over();
  };
}

export const fault = {
  current,
  lasting,
  /** Whether the fault is to be heard: until it is over, or for a while somebody here has heard enough. */
  calling: computed(() => lasting.value !== null && backMs.value === null),
  backMs: readonly(backMs),
  silence,
  follow,
};
