import { language } from "@/i18n";

/** 0.968 → "96.8%"; a dash where nothing was counted. */
export function formatShare(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return "—";
  return new Intl.NumberFormat(language.value, { style: "percent", maximumFractionDigits: 1 }).format(share);
}
