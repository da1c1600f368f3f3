import { computed, ref, watch } from "vue";

/** How the page looks in this browser: whatever the system says, unless somebody here has chosen. */
export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const THEME_KEY = "anhu.theme";
const LARGE_KEY = "anhu.large";

function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage may be forbidden by policy: then a choice holds for this visit.
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // See remembered().
  }
}

const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = ref(systemDark.matches);
const theme = ref<Theme>(THEMES.find((each) => each === remembered(THEME_KEY)) ?? "auto");
const large = ref(remembered(LARGE_KEY) === "yes");
const dark = computed(() => (theme.value === "auto" ? systemIsDark.value : theme.value === "dark"));

function setTheme(next: Theme): void {
  theme.value = next;
  remember(THEME_KEY, next);
}

function setLarge(on: boolean): void {
  large.value = on;
  remember(LARGE_KEY, on ? "yes" : "no");
}

/** Follows the system, also when it changes its mind at sunset; `?large=1` chooses large type, `?large=0` the usual one. */
function follow(): void {
  systemDark.addEventListener("change", ({ matches }) => (systemIsDark.value = matches));
  const asked = new URLSearchParams(location.search).get("large");
  if (asked === "1" || asked === "0") setLarge(asked === "1");
  watch([dark, large], () => {
    document.documentElement.classList.toggle("dark", dark.value);
    document.documentElement.classList.toggle("large", large.value);
  }, { immediate: true, flush: "sync" });
}

export const display = { theme, large, dark, setTheme, setLarge, follow };
