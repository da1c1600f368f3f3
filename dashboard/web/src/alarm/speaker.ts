import { onScopeDispose, ref, watch, type Ref } from "vue";

/** The part of the browser's lock manager that is used here. */
export type Locks = Pick<LockManager, "request">;

/**
 * Whether this tab is the one to sound `name`, of all tabs of the browser that want to: the first one, and when it
 * wants no more or is closed, the next. Where the browser has no locks (a page that came over plain HTTP) each tab
 * sounds for itself: better twice than never.
 */
export function useSpeaker(name: string, wanted: () => boolean, locks: Locks | null = (navigator.locks as LockManager | undefined) ?? null): Ref<boolean> {
  const mine = ref(false);
  if (!locks) {
    watch(wanted, (now) => (mine.value = now), { immediate: true });
    return mine;
  }
  let release: (() => void) | null = null;
  let waiting: AbortController | null = null;

  function begin(held: Locks): void {
    const asked = new AbortController();
    waiting = asked;
    const turn = async (): Promise<void> => {
      if (asked.signal.aborted) return;
      mine.value = true;
      await new Promise<void>((resolve) => (release = resolve));
    };
    held.request(`anhu.sound.${name}`, { signal: asked.signal }, turn).catch((cause: unknown) => {
      // A turn that was given up is no fault; a browser that refuses the lock lets every tab sound.
      if (!asked.signal.aborted) {
        console.warn("this tab sounds for itself", cause);
        mine.value = true;
      }
    });
  }

  function end(): void {
    waiting?.abort();
    waiting = null;
    mine.value = false;
    release?.();
    release = null;
  }

  watch(wanted, (now) => (now ? begin(locks) : end()), { immediate: true });
  onScopeDispose(end);
  return mine;
}
