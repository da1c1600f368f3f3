import { computed, ref, watch } from "vue";
import { live } from "@/live/store";

/** Why this page may not show the next alarm. */
export type Fault = "lost" | "pipeline";

/** A restart of the service takes seconds: only after this long does a fault call for a person by sound. */
const PATIENCE_MS = 10_000;

/** What is wrong now; a connection that breaks for less than a second is nothing. */
const current = computed<Fault | null>(() => {
  if (live.lostSinceMs.value !== null) return "lost";
  return live.connected.value && live.pipelineAlive.value === false ? "pipeline" : null;
});
/** What has been wrong for so long that it calls. */
const lasting = ref<Fault | null>(null);
const silenced = ref(false);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Follows what is wrong until the scope ends; one fault that turns into the other is still the same trouble. */
function follow(): () => void {
  const stop = watch(current, (now) => {
    if (!now) {
      clearTimeout(timer);
      timer = undefined;
      lasting.value = null;
      silenced.value = false;
    } else if (lasting.value) {
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
    clearTimeout(timer);
    timer = undefined;
    lasting.value = null;
    silenced.value = false;
  };
}

export const fault = {
  current,
  lasting,
  /** Whether the fault is to be heard: until it is over or somebody here has heard enough. */
  calling: computed(() => lasting.value !== null && !silenced.value),
  silence: (): void => void (silenced.value = true),
  follow,
};
