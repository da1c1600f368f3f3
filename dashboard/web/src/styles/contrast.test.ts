import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** WCAG 2.2: text 4.5:1 (1.4.3), what outlines a control or is a sign by itself 3:1 (1.4.11). */
const TEXT = 4.5;
const SIGN = 3;

type Tokens = Record<string, string>;

const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");

function block(selector: string): Tokens {
  const body = css.slice(css.indexOf(`${selector} {`)).split("}")[0] ?? "";
  return Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((found) => [found[1]!, found[2]!]));
}

const light = block(":root");
const themes: Record<string, Tokens> = { light, dark: { ...light, ...block("html.dark") } };

/** Relative luminance of #rrggbb, 0 to 1 (WCAG 2.2, "relative luminance"). */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(one: string, other: string): number {
  const [bright, dim] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (bright! + 0.05) / (dim! + 0.05);
}

const GROUNDS = ["ground", "surface", "surface-soft", "hover"];
const PRIORITIES = ["critical", "high", "medium", "low", "advisory"];
const TONES = [...PRIORITIES, "ok", "drill"];

/** Ink on what it stands on, anywhere in the page. */
const TEXTS: [ink: string, on: string][] = [
  ...["ink", "ink-soft", "brand", "brand-strong", ...TONES].flatMap((ink) => GROUNDS.map((on): [string, string] => [ink, on])),
  ...TONES.map((tone): [string, string] => [tone, `${tone}-soft`]),
  ...TONES.flatMap((tone) => ["ink", "ink-soft"].map((ink): [string, string] => [ink, `${tone}-soft`])),
  ...PRIORITIES.map((priority): [string, string] => ["on-priority", priority]),
  ["on-brand", "brand"], ["on-brand", "brand-strong"],
  ["bar-ink", "bar"], ["bar-ink-soft", "bar"], ["bar-ink", "bar-line"],
];
/** The focus ring, and what is told by its colour beside a word. */
const SIGNS: [sign: string, on: string][] = [
  ...["brand", "control-line", ...TONES].flatMap((sign) => GROUNDS.map((on): [string, string] => [sign, on])),
];

describe.each(Object.entries(themes))("the colours, %s", (_name, tokens) => {
  it.each(TEXTS)("%s can be read on %s", (ink, on) => {
    expect(contrast(tokens[ink]!, tokens[on]!)).toBeGreaterThanOrEqual(TEXT);
  });

  it.each(SIGNS)("%s can be seen on %s", (sign, on) => {
    expect(contrast(tokens[sign]!, tokens[on]!)).toBeGreaterThanOrEqual(SIGN);
  });
});

it("knows every colour of the dark theme from the light one", () => {
  const dark = block("html.dark");
  expect(Object.keys(dark).length).toBeGreaterThan(20);
  expect(Object.keys(dark).filter((name) => !(name in light))).toEqual([]);
});

it("defines every colour that is named", () => {
  const sources = readdirSync(new URL("..", import.meta.url), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(vue|css)$/.test(name))
    .map((name) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8"))
    .join("\n");
  const defined = new Set([...sources.matchAll(/--([\w-]+):/g)].map((found) => found[1]!));
  const said = new Set([...sources.matchAll(/["']--([\w-]+)["']/g)].map((found) => found[1]!));
  const named = [...sources.matchAll(/var\(--([\w-]+)/g)].map((found) => found[1]!);
  expect(named.length).toBeGreaterThan(300);
  expect([...new Set(named)].filter((name) => !name.startsWith("el-") && !defined.has(name) && !said.has(name))).toEqual([]);
});

it("measures as WCAG does", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
});
