import { onScopeDispose, watch } from "vue";
import { live } from "@/live/store";
import { useInterval } from "@/load";

/** However fast things change, the server is asked no more often than this for what comes of it. */
const CHANGE_PAUSE_MS = 2_000;

/**
 * Asks at once, then every `everyMs`, after each reconnect, and soon after `changing` has changed: what is counted
 * follows the live feed without being asked for with every event.
 */
export function useFollowed(changing: () => unknown, reload: () => Promise<void>, everyMs: number): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  void reload();
  watch(changing, () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void reload();
    }, CHANGE_PAUSE_MS);
  });
  watch(live.snapshotCount, () => void reload());
  useInterval(() => void reload(), everyMs);
  onScopeDispose(() => clearTimeout(timer));
}
