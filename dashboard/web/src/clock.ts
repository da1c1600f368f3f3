import { readonly, ref } from "vue";

const TICK_MS = 1_000;

/** Server time minus this computer's time: a county PC's clock may be minutes off. */
let offsetMs = 0;
const now = ref(Date.now());

export function setServerTime(iso: string): void {
  offsetMs = Date.parse(iso) - Date.now();
  now.value = serverNowMs();
}

export function serverNowMs(): number {
  return Date.now() + offsetMs;
}

setInterval(() => {
  now.value = serverNowMs();
}, TICK_MS);

/** The server's time in ms, ticking once a second. */
export const nowMs = readonly(now);
