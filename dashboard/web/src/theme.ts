const dark = window.matchMedia("(prefers-color-scheme: dark)");

function apply(): void {
  document.documentElement.classList.toggle("dark", dark.matches);
}

/** Light or dark as the system says, also when it changes its mind at sunset. */
export function followSystemTheme(): void {
  apply();
  dark.addEventListener("change", apply);
}
