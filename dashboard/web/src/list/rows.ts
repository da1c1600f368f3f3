import { computed, nextTick, onBeforeUnmount, onMounted, ref, shallowRef, watch, type ComputedRef, type Ref } from "vue";
import { drawnOf, offsetsOf, rangeOf, type Drawn, type Range } from "./window";

/** Drawn beyond the edges of the screen, so that a scroll finds rows there. */
const BEYOND_PX = 700;
/** A list this short is drawn whole: searching in the page then finds everything in it. */
const WHOLE_MAX = 60;

export interface Rows {
  drawn: ComputedRef<Drawn[]>;
  restPx: ComputedRef<number>;
  /** Told of every row that is drawn, so that the room it needs is known. */
  note(id: string, element: Element | null): void;
}

/**
 * The rows of a list that scrolls with the page, of which only those near the screen are drawn. Rows may differ in
 * height: what was measured once is remembered, and the others count as high as the mean.
 */
export function useRows(list: Ref<HTMLElement | null>, ids: () => readonly string[], pinned: () => number | null, guessPx: number): Rows {
  const measured = new Map<string, number>();
  const elements = new Map<string, Element>();
  const measuredAt = ref(0);
  const range = shallowRef<Range>({ from: 0, to: Math.min(ids().length, WHOLE_MAX) });
  let widthPx = 0;
  let sumPx = 0;
  let frame = 0;

  const whole = computed(() => ids().length <= WHOLE_MAX);
  const offsets = computed(() => {
    void measuredAt.value;
    const meanPx = measured.size ? sumPx / measured.size : guessPx;
    return offsetsOf(ids().map((id) => measured.get(id) ?? meanPx));
  });
  const layout = computed(() => {
    const count = ids().length;
    if (whole.value) return { rows: Array.from({ length: count }, (_, index) => ({ index, gapPx: 0 })), restPx: 0 };
    const to = Math.min(range.value.to, count);
    return drawnOf(offsets.value, { from: Math.min(range.value.from, to), to }, pinned());
  });

  function look(): void {
    frame = 0;
    const box = list.value?.getBoundingClientRect();
    if (!box || whole.value) return;
    const screen = rangeOf(offsets.value, -box.top, window.innerHeight - box.top);
    if (screen.from >= range.value.to || screen.to <= range.value.from) {
      range.value = screen; // a jump: what is on the screen first, and its surroundings in the next frame
      soon();
      return;
    }
    const next = rangeOf(offsets.value, -box.top - BEYOND_PX, window.innerHeight - box.top + BEYOND_PX);
    if (next.from !== range.value.from || next.to !== range.value.to) range.value = next;
  }

  function soon(): void {
    frame ||= requestAnimationFrame(look);
  }

  const resizer = new ResizeObserver((entries) => {
    if (whole.value) return;
    const nowPx = list.value?.clientWidth ?? 0;
    if (nowPx !== widthPx) {
      widthPx = nowPx;
      measured.clear(); // other lines break now
      sumPx = 0;
    }
    let changed = false;
    for (const { target, borderBoxSize } of entries) {
      const id = (target as HTMLElement).dataset.alertId;
      const heightPx = borderBoxSize[0]?.blockSize ?? 0;
      const before = id === undefined ? undefined : measured.get(id);
      if (id === undefined || !heightPx || before === heightPx) continue;
      measured.set(id, heightPx);
      sumPx += heightPx - (before ?? 0);
      changed = true;
    }
    if (changed) {
      measuredAt.value += 1;
      soon();
    }
  });

  function note(id: string, element: Element | null): void {
    const known = elements.get(id);
    if (known === element) return;
    if (known) resizer.unobserve(known);
    if (element) {
      elements.set(id, element);
      resizer.observe(element);
    } else elements.delete(id);
  }

  watch(() => ids().length, () => void nextTick(soon));
  // What is gone for good needs no memory: the list of a year would hold a million heights.
  watch(() => ids().length, (count) => {
    if (measured.size <= 2 * count + WHOLE_MAX) return;
    const open = new Set(ids());
    for (const [id, heightPx] of measured) {
      if (open.has(id)) continue;
      measured.delete(id);
      sumPx -= heightPx;
    }
  });
  onMounted(() => {
    window.addEventListener("scroll", soon, { passive: true });
    window.addEventListener("resize", soon);
    look();
  });
  onBeforeUnmount(() => {
    window.removeEventListener("scroll", soon);
    window.removeEventListener("resize", soon);
    cancelAnimationFrame(frame);
    resizer.disconnect();
  });

  return { drawn: computed(() => layout.value.rows), restPx: computed(() => layout.value.restPx), note };
}
