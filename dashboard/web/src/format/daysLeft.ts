import { i18n } from "@/i18n";

/** "3 days left", "today", "2 days overdue". */
export function daysLeftText(days: number): string {
  const { t } = i18n.global;
  if (days === 0) return t("deviceDates.today");
  return days > 0 ? t("deviceDates.left", { n: days }, days) : t("deviceDates.overdue", { n: -days }, -days);
}
