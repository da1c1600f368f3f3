import { expect, it } from "vitest";
import { drawnThreshold } from "./threshold";

it("draws a threshold only where quantity, unit and value are known", () => {
  expect(drawnThreshold({ quantity: "co", unit: "ppm", threshold: 50 })).toEqual({ quantity: "co", unit: "ppm", value: 50 });
  expect(drawnThreshold({ unit: "s", threshold: 600 })).toBeNull();
  expect(drawnThreshold(undefined)).toBeNull();
});
