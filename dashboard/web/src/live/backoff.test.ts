import { expect, it } from "vitest";
import { reconnectDelayMs } from "./backoff";

it("doubles up to a bound, with half of it random", () => {
  expect(reconnectDelayMs(0, 0)).toBe(250);
  expect(reconnectDelayMs(0, 1)).toBe(500);
  expect(reconnectDelayMs(3, 1)).toBe(4_000);
  expect(reconnectDelayMs(99, 1)).toBe(15_000);
  expect(reconnectDelayMs(99, 0)).toBe(7_500);
});
