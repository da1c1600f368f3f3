/** The page's own colours for the canvas, which knows no CSS variables. */
export function chartColours(): { line: string; band: string; ink: string; grid: string; alarm: string } {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    line: read("--brand"), band: read("--brand"), ink: read("--ink-soft"), grid: read("--line"), alarm: read("--critical"),
  };
}

export function chartFont(): string {
  return getComputedStyle(document.body).fontFamily;
}

/** The type of axes and tooltips: 12 px, more where the reader has chosen large type. */
export function chartFontSizePx(): number {
  return 0.75 * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}
