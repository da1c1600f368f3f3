import { onScopeDispose, watch, watchEffect } from "vue";
import { useI18n } from "vue-i18n";
import type { Router } from "vue-router";
import type { Alert } from "@/api/contract";
import { nowMs } from "@/clock";
import { evidenceText, placeLine } from "@/format/place";
import { live } from "@/live/store";
import { siren } from "./siren";

const APP_TITLE = "安护 Anhu";

/** Asks for desktop notifications, where the browser has them; call from a click. */
export async function askForNotifications(): Promise<void> {
  if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
}

function notify(alert: Alert, title: string, body: string, router: Router): void {
  if (!("Notification" in window) || Notification.permission !== "granted" || !document.hidden) return;
  const notification = new Notification(title, { body, tag: alert.id, icon: "/icon.svg", requireInteraction: true });
  notification.onclick = () => {
    window.focus();
    void router.push({ name: "alert", params: { id: alert.id } });
    notification.close();
  };
}

/** Sound, window title and desktop notifications follow the critical unacknowledged alerts while the scope lives. */
export function useAttention(router: Router): void {
  const { t } = useI18n();

  watchEffect(() => siren.sound(live.soundingAlerts.value.length > 0));

  watchEffect(() => {
    const worst = live.soundingAlerts.value[0];
    if (live.lostSinceMs.value !== null) document.title = `⚠ ${t("title.lost")} · ${APP_TITLE}`;
    else if (!worst) document.title = APP_TITLE;
    else if (Math.floor(nowMs.value / 1000) % 2) {
      document.title = `● ${t("title.flash", { kind: t(`kind.${worst.kind}`), where: placeLine(worst) })}`;
    } else document.title = `○ ${t("title.waiting", { n: live.soundingAlerts.value.length }, live.soundingAlerts.value.length)}`;
  });

  watch(live.soundingAlerts, (now, before) => {
    const known = new Set(before.map((alert) => alert.id));
    for (const alert of now) {
      if (known.has(alert.id)) continue;
      const body = t("notify.body", { where: placeLine(alert), evidence: evidenceText(alert.evidence) });
      notify(alert, t(`kind.${alert.kind}`), body, router);
    }
  });

  const unlock = (): void => void siren.unlock();
  document.addEventListener("pointerdown", unlock, { once: true });
  document.addEventListener("keydown", unlock, { once: true });

  onScopeDispose(() => {
    siren.sound(false);
    document.title = APP_TITLE;
    document.removeEventListener("pointerdown", unlock);
    document.removeEventListener("keydown", unlock);
  });
}
