import { computed } from "vue";
import { createI18n } from "vue-i18n";
import { zhCN } from "@/locales/zh-CN";

/** The shape of a language: every other one must have exactly these keys. */
export type Messages = typeof zhCN;
export type Language = "zh-CN" | "en";

const STORAGE_KEY = "anhu.language";

export const i18n = createI18n<[Messages], Language, false>({
  legacy: false,
  locale: "zh-CN",
  fallbackLocale: "zh-CN",
  // English takes its place in setLanguage(), loaded only by those who read it.
  messages: { "zh-CN": zhCN, en: zhCN },
});

export const language = computed<Language>(() => i18n.global.locale.value);

function remembered(): Language {
  try {
    return localStorage.getItem(STORAGE_KEY) === "en" ? "en" : "zh-CN";
  } catch {
    return "zh-CN"; // Storage may be forbidden by policy; the language is then asked for at each visit.
  }
}

export async function setLanguage(next: Language): Promise<void> {
  if (next === "en") {
    const { en } = await import("@/locales/en");
    i18n.global.setLocaleMessage("en", en);
  }
  i18n.global.locale.value = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(STORAGE_KEY, next);
  } catch {
    // See remembered(): the switch still works for this visit.
  }
}

export function restoreLanguage(): Promise<void> {
  return setLanguage(remembered());
}

/** The name in the reader's language, where there is one. */
export function localName(thing: { name: string; name_en?: string | null }): string {
  return language.value === "en" && thing.name_en ? thing.name_en : thing.name;
}
