import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from "vue";
import * as api from "@/api/client";
import type { Device, LiveSeries, Readings } from "@/api/contract";
import { nowMs, serverNowMs } from "@/clock";
import { live } from "@/live/store";
import { useLoad } from "@/load";
import { append, type Samples } from "./samples";

const POINTS_MAX = 600;
/** Live samples are appended until there are this many; then the server's thinned history is asked for again. */
const POINTS_MAX_LIVE = 3 * POINTS_MAX;
/** The window of a live chart moves this often, so that it isn't drawn anew every second without need. */
const SLIDE_MS = 5_000;

/** Either the last `lastMs` up to now, moving, or a fixed stretch of time. */
export type Window = { lastMs: number } | { fromMs: number; toMs: number };

export interface Curve {
  quantity: string;
  unit: string;
  samples: Samples;
}

function curvesOf(readings: Readings): Map<number, Curve> {
  return new Map(
    readings.series.map((series) => [
      series.point_id,
      {
        quantity: series.quantity,
        unit: series.unit,
        samples: { atMs: series.measured_at_ms, value: series.value, low: series.low, high: series.high },
      },
    ]),
  );
}

/** The curves of a device: history from the server, then live samples appended while the window reaches to now. */
export function useDeviceCurves(deviceId: Ref<number>, window: Ref<Window>) {
  const curves = shallowRef(new Map<number, Curve>());
  const device = shallowRef<Device | null>(null);
  const slideMs = ref(serverNowMs());
  let pending: LiveSeries[] = [];

  const range = computed(() =>
    "lastMs" in window.value
      ? { fromMs: slideMs.value - window.value.lastMs, toMs: slideMs.value }
      : { fromMs: window.value.fromMs, toMs: window.value.toMs },
  );

  function take(series: LiveSeries[]): void {
    const next = new Map(curves.value);
    let crowded = false;
    for (const { point_id, measured_at_ms, value } of series) {
      const curve = next.get(point_id);
      if (!curve) continue;
      const samples = append(curve.samples, measured_at_ms, value, range.value.fromMs);
      next.set(point_id, { ...curve, samples });
      crowded ||= samples.atMs.length > POINTS_MAX_LIVE;
    }
    curves.value = next;
    if (crowded) void history.reload();
  }

  const history = useLoad(async () => {
    pending = [];
    slideMs.value = serverNowMs();
    const { fromMs, toMs } = range.value;
    const readings = await api.readings(deviceId.value, fromMs, toMs, POINTS_MAX);
    return readings;
  });

  watch(history.data, (readings) => {
    if (!readings) return;
    device.value = readings.device;
    curves.value = curvesOf(readings);
    take(pending); // Samples that came while the history was on its way.
    pending = [];
  });

  function receive(series: LiveSeries[]): void {
    if (!("lastMs" in window.value)) return;
    if (history.loading.value) pending.push(...series);
    slideMs.value = Math.max(slideMs.value, serverNowMs());
    take(series);
  }

  let unwatch = (): void => undefined;
  watch(
    deviceId,
    (id) => {
      unwatch();
      curves.value = new Map();
      device.value = null;
      unwatch = live.watchDevice(id, receive);
    },
    { immediate: true },
  );
  watch([deviceId, window, live.snapshotCount], () => void history.reload(), { immediate: true });
  watch(nowMs, (now) => {
    if (now - slideMs.value >= SLIDE_MS) slideMs.value = now;
  });
  onScopeDispose(() => unwatch());

  return { curves, device, range, error: history.error, loading: history.loading, reload: history.reload };
}
