import { onScopeDispose, watch, watchEffect } from "vue";
import { useI18n } from "vue-i18n";
import type { Router } from "vue-router";
import type { Alert } from "@/api/contract";
import { nowMs, serverNowMs } from "@/clock";
import { evidenceText, kindName, placeLine } from "@/format/place";
import { localName } from "@/i18n";
import { live } from "@/live/store";
import { desktop } from "./desktop";
import { ownChecks } from "./duty";
import { fault } from "./fault";
import { silence } from "./silence";
import { siren } from "./siren";
import { useSpeaker } from "./speaker";

/** Of more at once the desktop shows the worst: nobody reads a hundred notifications, and the page has them all. */
const NOTIFIED_MAX = 5;
const APP_TITLE = "安护 Anhu";

/** Those of `now` that were not there before. */
function fresh<T extends { id: string | number }>(now: readonly T[], before: readonly T[]): T[] {
  const known = new Set(before.map(({ id }) => id));
  return now.filter(({ id }) => !known.has(id));
}

function secondsUntil(atMs: number | null, nowMs: number): number | null {
  return atMs === null ? null : (atMs - nowMs) / 1000;
}

/** Sound, window title and desktop notifications follow what calls for a person while the scope lives. */
export function useAttention(router: Router): void {
  const { t } = useI18n();

  /** Who works without signal has no use for a tone about it. */
  const calm = (): boolean => router.currentRoute.value.meta.phone ?? false;

  onScopeDispose(fault.follow());
  silence.follow();
  // What two tabs would sound, one of them sounds. A tab that may not make any sound stands in no other's way.
  const alarm = useSpeaker("alarm", () => siren.unlocked.value && live.soundingAlerts.value.length > 0);
  const duty = useSpeaker("duty", () => siren.unlocked.value && ownChecks.value.length > 0);
  const trouble = useSpeaker("fault", () => siren.unlocked.value && fault.lasting.value !== null);
  watchEffect(() =>
    siren.sound({
      alarm: alarm.value && silence.heardAlerts.value.length > 0,
      duty: duty.value && ownChecks.value.length > 0,
      fault: trouble.value && fault.calling.value && !calm(),
      alarmBackInS: alarm.value ? secondsUntil(silence.backMs.value, serverNowMs()) : null,
      faultBackInS: trouble.value && !calm() ? secondsUntil(fault.backMs.value, Date.now()) : null,
    }),
  );

  watchEffect(() => {
    const worst = live.soundingAlerts.value[0];
    const check = ownChecks.value[0];
    const even = Math.floor(nowMs.value / 1000) % 2 === 0;
    if (live.lostSinceMs.value !== null) document.title = `⚠ ${t("title.lost")} · ${APP_TITLE}`;
    else if (worst && !even) {
      document.title = `● ${t("title.flash", { kind: t(`kind.${worst.kind}`), where: placeLine(worst) })}`;
    } else if (worst) {
      document.title = `○ ${t("title.waiting", { n: live.soundingAlerts.value.length }, live.soundingAlerts.value.length)}`;
    } else if (check) document.title = `${even ? "●" : "○"} ${t("dutyCheck.title")}`;
    else document.title = APP_TITLE;
  });

  function notify(alert: Alert): void {
    const body = t("notify.body", { where: placeLine(alert), evidence: evidenceText(alert.evidence) });
    const open = () => void router.push({ name: "alert", params: { id: alert.id } });
    desktop.show(alert.id, kindName(alert), body, !alert.drill, open);
  }

  /** The chain tests itself while residents sleep: that is to be seen, not heard. */
  function heard(alert: Alert): boolean {
    return !live.drills.value.some(
      (drill) => drill.scheduled && drill.state === "running" && drill.institution.id === alert.institution?.id,
    );
  }

  watch(live.soundingAlerts, (now, before) => {
    fresh(now, before).slice(0, NOTIFIED_MAX).forEach(notify);
    fresh(before, now).forEach(({ id }) => desktop.withdraw(id));
  });
  watch(fault.lasting, (now) => {
    if (now && !calm()) desktop.show("fault", t(`live.${now}`), t(`notify.${now}`), true, () => undefined);
    else desktop.withdraw("fault");
  });
  watch(live.drillAlerts, (now, before) => {
    const begun = fresh(now, before);
    begun.forEach(notify);
    if (begun.some(heard)) siren.chime();
  });
  watch(ownChecks, (now, before) => {
    for (const check of fresh(now, before)) {
      const open = () => void router.push({ name: "duty-checks" });
      desktop.show(`check-${check.id}`, t("dutyCheck.title"), localName(check.institution), true, open);
    }
  });

  const unlock = (): void => void siren.unlock();
  // Some browsers are set up to allow it (a kiosk), or remember the click of the sign-in.
  unlock();
  // Not on pointerdown: what then leaves the page would move the button away from under the finger.
  document.addEventListener("click", unlock, { once: true });
  document.addEventListener("keydown", unlock, { once: true });

  onScopeDispose(() => {
    siren.sound({ alarm: false, duty: false, fault: false });
    document.title = APP_TITLE;
    document.removeEventListener("click", unlock);
    document.removeEventListener("keydown", unlock);
  });
}
