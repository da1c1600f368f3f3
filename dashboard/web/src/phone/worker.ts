import { ref } from "vue";

/** `unsupported`: plain HTTP, or a browser without; then the page works without signal only while it stays open. */
export type WorkerState = "unsupported" | "installing" | "ready" | "failed";

const state = ref<WorkerState>("serviceWorker" in navigator && window.isSecureContext ? "installing" : "unsupported");
/** A new version has been fetched and is used from the next load on. */
const renewed = ref(false);

let begun = false;

/** Has the browser keep the page itself for when there is no signal. Nothing of the server's answers is ever kept by it. */
async function install(): Promise<void> {
  if (begun || state.value === "unsupported" || !import.meta.env.PROD) return;
  begun = true;
  const controlled = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (controlled) renewed.value = true;
  });
  try {
    await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
    await navigator.serviceWorker.ready;
    state.value = "ready";
    await navigator.storage?.persist?.();
  } catch {
    // Away, or forbidden by policy: what was installed before still serves.
    begun = false;
    state.value = navigator.serviceWorker.controller ? "ready" : "failed";
  }
}

export const worker = { state, renewed, install };
