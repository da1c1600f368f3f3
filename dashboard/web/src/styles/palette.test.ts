import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PRIORITIES } from "@/api/contract";
import { contrast, distance, light, seenBy, type Light } from "./vision";

const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");

function tokens(selector: string): Record<string, string> {
  const body = css.slice(css.indexOf(`${selector} {`)).split("}")[0] ?? "";
  return Object.fromEntries([...body.matchAll(/--([a-z-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, hex]) => [name, hex]));
}

const LIGHT = tokens(":root");
const THEMES = { light: LIGHT, dark: { ...LIGHT, ...tokens("html.dark") } };
const APART_MIN = 10;

function at(theme: keyof typeof THEMES, name: string): Light {
  const hex = THEMES[theme][name];
  if (!hex) throw new Error(`no colour ${name} in ${theme}`);
  return light(hex);
}

describe.each(["light", "dark"] as const)("%s", (theme) => {
  it.each(PRIORITIES)("%s is read on every ground it stands on", (priority) => {
    for (const ground of ["surface", "surface-soft", "hover", `${priority}-soft`]) {
      expect(contrast(at(theme, priority), at(theme, ground)), ground).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(at(theme, "on-priority"), at(theme, priority)), "its mark").toBeGreaterThanOrEqual(4.5);
  });

  it.each(["protan", "deutan", "tritan"] as const)("any two priorities stay apart for %s", (deficiency) => {
    const seen = PRIORITIES.map((priority) => ({ priority, colour: seenBy(at(theme, priority), deficiency) }));
    for (const [index, one] of seen.entries()) {
      for (const other of seen.slice(index + 1)) {
        expect(distance(one.colour, other.colour), `${one.priority} and ${other.priority}`).toBeGreaterThanOrEqual(APART_MIN);
      }
    }
  });

  it("critical stays apart from all clear for everybody", () => {
    for (const deficiency of ["protan", "deutan", "tritan"] as const) {
      const [one, other] = [seenBy(at(theme, "critical"), deficiency), seenBy(at(theme, "ok"), deficiency)];
      expect(distance(one, other), deficiency).toBeGreaterThanOrEqual(APART_MIN);
    }
  });
});

it("sees and measures as the papers say", () => {
  expect(contrast(light("#ffffff"), light("#000000"))).toBeCloseTo(21, 5);
  expect(contrast(light("#ffffff"), light("#777777"))).toBeCloseTo(4.48, 2);
  expect(distance(light("#ff0000"), light("#00ff00"))).toBeCloseTo(170.6, 0);
  expect(distance(light("#123456"), light("#123456"))).toBe(0);
  const [red, green] = [seenBy(light("#ff0000"), "deutan"), seenBy(light("#8f7a00"), "deutan")];
  expect(distance(red, green)).toBeLessThan(distance(light("#ff0000"), light("#8f7a00")) / 2);
  for (const grey of ["#000000", "#808080", "#ffffff"]) {
    for (const deficiency of ["protan", "deutan", "tritan"] as const) expect(distance(seenBy(light(grey), deficiency), light(grey))).toBeLessThan(0.5);
  }
});
