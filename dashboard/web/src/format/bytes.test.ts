import { expect, it } from "vitest";
import { formatBytes } from "./bytes";

it("writes sizes in the unit that fits", () => {
  expect([0, 512, 5000, 1024 * 1024 * 120, 2 ** 31 * 3].map(formatBytes)).toEqual(["0 B", "512 B", "4.9 KiB", "120 MiB", "6.0 GiB"]);
});
