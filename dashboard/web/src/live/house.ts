import { computed, ref, watch, type Ref } from "vue";
import * as api from "@/api/client";
import type { InstitutionDetail } from "@/api/contract";
import { useInterval, useLoad, type Loaded } from "@/load";
import { live } from "./store";

const REFRESH_MS = 10_000;

export interface House extends Loaded<InstitutionDetail> {
  /** When it was last read (this computer's time, ms). */
  refreshedMs: Ref<number>;
}

/** One institution with its devices, kept fresh while the scope lives. */
export function useHouse(id: Ref<number>): House {
  const loaded = useLoad(() => api.institution(id.value));
  const refreshedMs = ref(0);
  const versions = computed(() =>
    live.openAlerts.value.filter((alert) => alert.institution?.id === id.value).map((alert) => `${alert.id} ${alert.version}`).join(),
  );
  watch(id, () => {
    loaded.data.value = null;
    void loaded.reload();
  }, { immediate: true });
  watch(loaded.data, () => (refreshedMs.value = Date.now()));
  // An alert changes the state of its devices: ask at once rather than at the next round.
  watch([versions, live.snapshotCount], () => void loaded.reload());
  useInterval(() => void loaded.reload(), REFRESH_MS);
  return { ...loaded, refreshedMs };
}
