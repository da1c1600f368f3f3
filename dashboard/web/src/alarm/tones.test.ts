import { expect, it } from "vitest";
import { DRILL_LENGTH_S, DRILL_TONES, DUTY_PERIOD_S, DUTY_TONES, FAULT_PERIOD_S, FAULT_TONES, render } from "./tones";

const RATE_HZ = 8_000;

it.each([[DUTY_TONES, DUTY_PERIOD_S], [DRILL_TONES, DRILL_LENGTH_S], [FAULT_TONES, FAULT_PERIOD_S]])("renders notes without clicks and with silence at the end", (notes, lengthS) => {
  const samples = render(notes, lengthS, RATE_HZ);
  expect(samples.length).toBe(Math.ceil(lengthS * RATE_HZ));
  expect(Math.max(...samples)).toBeGreaterThan(0.9);
  expect(Math.max(...samples.map(Math.abs))).toBeLessThanOrEqual(1);
  for (const { atS } of notes) expect(Math.abs(samples[Math.floor(atS * RATE_HZ)] ?? 1)).toBeLessThan(0.01);
  expect(samples.at(-1)).toBe(0);
});
