import { readonly, ref } from "vue";

/** The class of the whole page while the wall fills the screen: larger type, no navigation. */
const CLASS = "wall-full";

const full = ref(false);

function show(on: boolean): void {
  full.value = on;
  document.documentElement.classList.toggle(CLASS, on);
}

/** Fills the screen; where the browser does not let us, the window. */
async function enter(): Promise<void> {
  show(true);
  try {
    await document.documentElement.requestFullscreen({ navigationUI: "hide" });
  } catch {
    // Some browsers and kiosks have no such thing: the wall then fills the window.
  }
}

async function leave(): Promise<void> {
  show(false);
  if (document.fullscreenElement) await document.exitFullscreen();
}

function onChange(): void {
  if (!document.fullscreenElement) show(false);
}

function onKey(event: KeyboardEvent): void {
  if (event.key === "Escape" && !event.defaultPrevented && full.value) void leave();
}

/** Follows what the browser and Escape do to it until the returned function is called, which leaves it. */
function follow(): () => void {
  document.addEventListener("fullscreenchange", onChange);
  document.addEventListener("keydown", onKey);
  return () => {
    document.removeEventListener("fullscreenchange", onChange);
    document.removeEventListener("keydown", onKey);
    void leave();
  };
}

export const wallScreen = { full: readonly(full), enter, leave, follow };
