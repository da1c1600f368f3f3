import { computed, ref } from "vue";

/** Notifications of the operating system, for a page behind other windows. */
export type DesktopState = "unsupported" | "denied" | "off" | "on";

const STORAGE_KEY = "anhu.desktop";

const supported = "Notification" in globalThis;
const permission = ref<NotificationPermission>(supported ? Notification.permission : "denied");
const wanted = ref(remembered());

function remembered(): boolean {
  try {
    return localStorage.getItem(STORAGE_KEY) !== "off";
  } catch {
    return true; // Storage may be forbidden by policy: then the browser's permission alone decides.
  }
}

function remember(on: boolean): void {
  wanted.value = on;
  try {
    localStorage.setItem(STORAGE_KEY, on ? "on" : "off");
  } catch {
    // See remembered(): the switch still works for this visit.
  }
}

const state = computed<DesktopState>(() => {
  if (!supported) return "unsupported";
  if (permission.value === "denied") return "denied";
  return permission.value === "granted" && wanted.value ? "on" : "off";
});

async function ask(): Promise<void> {
  if (supported && Notification.permission === "default") await Notification.requestPermission();
  if (supported) permission.value = Notification.permission;
}

/** Turns notifications on or off; asks the browser when it has to. Call from a click. */
async function toggle(): Promise<void> {
  if (state.value === "on") {
    remember(false);
    return;
  }
  remember(true);
  await ask();
}

/** Asks for the permission unless somebody here has switched notifications off. Call from a click. */
async function offer(): Promise<void> {
  if (wanted.value) await ask();
}

const shown = new Map<string, Notification>();

/** Shows a notification, in place of an earlier one of that tag, unless the page is in front of the reader anyway. */
function show(tag: string, title: string, body: string, insist: boolean, open: () => void): void {
  if (state.value !== "on" || (!document.hidden && document.hasFocus())) return;
  const notification = new Notification(title, { body, tag, icon: "/icon.svg", requireInteraction: insist, silent: !insist });
  shown.set(tag, notification);
  notification.onclick = () => {
    window.focus();
    open();
    notification.close();
  };
  notification.onclose = () => {
    if (shown.get(tag) === notification) shown.delete(tag);
  };
}

/** Takes a notification back: what it told of is over, or somebody has seen to it. */
function withdraw(tag: string): void {
  shown.get(tag)?.close();
  shown.delete(tag);
}

export const desktop = { state, toggle, offer, show, withdraw };
