import jsQR from "jsqr";
import { describe, expect, it } from "vitest";
import { placeKey, placePath, qrCode, type Code } from "./code";

const MODULE_PX = 4;

/** The code as a camera would see it, drawn from the path that is printed. */
function drawn({ size, path }: Code): Uint8ClampedArray {
  const side = size * MODULE_PX;
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    for (let dy = 0; dy < MODULE_PX; dy += 1) {
      for (let dx = 0; dx < MODULE_PX; dx += 1) pixels.fill(0, ((Number(y) * MODULE_PX + dy) * side + Number(x) * MODULE_PX + dx) * 4, ((Number(y) * MODULE_PX + dy) * side + Number(x) * MODULE_PX + dx) * 4 + 3);
    }
  }
  return pixels;
}

describe("the code of a place", () => {
  it.each(["https://anhu.example.org/q/7/d12", "https://anquan.mz.example.gov.cn:8443/q/2147483647/z2147483647"])("is read back: %s", (text) => {
    const code = qrCode(text);
    const side = code.size * MODULE_PX;
    expect(jsQR(drawn(code), side, side)?.data).toBe(text);
  });

  it("leaves the quiet zone of four modules white", () => {
    const { size, path } = qrCode("https://anhu.example.org/q/7/d12");
    const places = [...path.matchAll(/M(\d+) (\d+)h/g)].flatMap(([, x, y]) => [Number(x), Number(y)]);
    expect([Math.min(...places), Math.max(...places)]).toEqual([4, size - 5]);
  });

  it("names a device or a zone, and nothing else", () => {
    for (const key of [{ institutionId: 7, kind: "device", id: 12 }, { institutionId: 7, kind: "zone", id: 3 }] as const) {
      const [, , institution, place] = placePath(key).split("/");
      expect(placeKey(institution ?? "", place ?? "")).toEqual(key);
    }
    for (const place of ["x1", "d", "d0", "d-1", "d1/..", "d99999999999"]) expect(placeKey("7", place)).toBeNull();
    expect(placeKey("0", "d1")).toBeNull();
  });
});
