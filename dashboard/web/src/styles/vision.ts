/** Red, green and blue, each 0…1 of light (not of the file's numbers). */
export type Light = readonly [number, number, number];
export type Deficiency = "protan" | "deutan" | "tritan";

/**
 * What a dichromat sees, in linear RGB: the matrices for severity 1.0 of Machado, Oliveira and Fernandes, "A
 * Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG 15 (6), 2009, table 1.
 */
const MATRICES: Readonly<Record<Deficiency, readonly [Light, Light, Light]>> = {
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/** `#rrggbb` as light: the inverse of the curve of IEC 61966-2-1 (sRGB). */
export function light(hex: string): Light {
  const channel = (at: number): number => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function times([row0, row1, row2]: readonly [Light, Light, Light], [r, g, b]: Light): Light {
  const dot = ([x, y, z]: Light): number => x * r + y * g + z * b;
  return [dot(row0), dot(row1), dot(row2)];
}

export function seenBy(colour: Light, deficiency: Deficiency): Light {
  const [r, g, b] = times(MATRICES[deficiency], colour);
  const within = (value: number): number => Math.min(1, Math.max(0, value));
  return [within(r), within(g), within(b)];
}

/** WCAG 2.2: (L1 + 0.05) / (L2 + 0.05) of the relative luminances, 1…21. */
export function contrast(one: Light, other: Light): number {
  const luminance = ([r, g, b]: Light): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** CIE 1976 L*a*b* under D65. */
function lab(colour: Light): Light {
  const [x, y, z] = times(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]], colour,
  );
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  const [fx, fy, fz] = [f(x / 0.95047), f(y), f(z / 1.08883)];
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

/** How far apart two colours look: ΔE*ab (CIE 1976). 2.3 is just noticed side by side; 10 is seen at a glance. */
export function distance(one: Light, other: Light): number {
  const [a, b] = [lab(one), lab(other)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
