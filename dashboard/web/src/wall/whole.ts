import { nextTick, onBeforeUnmount, watch, type Ref } from "vue";

/**
 * Where nobody scrolls, a row that would be cut in half is not shown: those of `rows` (a selector) that do not lie
 * within `box` are made invisible while `enabled`. Looks again when the box changes its size, and when `changing` does.
 */
export function useWholeRows(box: Readonly<Ref<HTMLElement | null>>, rows: string, enabled: () => boolean, changing: () => unknown): void {
  function look(): void {
    const bottom = box.value?.getBoundingClientRect().bottom ?? 0;
    for (const row of box.value?.querySelectorAll<HTMLElement>(rows) ?? []) {
      row.style.visibility = enabled() && row.getBoundingClientRect().bottom > bottom + 1 ? "hidden" : "";
    }
  }
  const resizer = new ResizeObserver(look);
  watch([enabled, changing], () => void nextTick(look));
  watch(box, (now, before) => {
    if (before) resizer.unobserve(before);
    if (now) resizer.observe(now);
  }, { flush: "post", immediate: true });
  onBeforeUnmount(() => resizer.disconnect());
}
