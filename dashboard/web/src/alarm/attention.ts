import { onScopeDispose, watch, watchEffect } from "vue";
import { useI18n } from "vue-i18n";
import type { Router } from "vue-router";
import type { Alert } from "@/api/contract";
import { nowMs } from "@/clock";
import { evidenceText, kindName, placeLine } from "@/format/place";
import { localName } from "@/i18n";
import { live } from "@/live/store";
import { desktop } from "./desktop";
import { ownChecks } from "./duty";
import { fault } from "./fault";
import { siren } from "./siren";

const APP_TITLE = "安护 Anhu";

/** Those of `now` that were not there before. */
function fresh<T extends { id: string | number }>(now: readonly T[], before: readonly T[]): T[] {
  const known = new Set(before.map(({ id }) => id));
  return now.filter(({ id }) => !known.has(id));
}

/** Sound, window title and desktop notifications follow what calls for a person while the scope lives. */
export function useAttention(router: Router): void {
  const { t } = useI18n();

  /** Who works without signal has no use for a tone about it. */
  const calm = (): boolean => router.currentRoute.value.meta.phone ?? false;

  onScopeDispose(fault.follow());
  watchEffect(() =>
    siren.sound({ alarm: live.soundingAlerts.value.length > 0, duty: ownChecks.value.length > 0, fault: fault.calling.value && !calm() }),
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
    fresh(now, before).forEach(notify);
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
