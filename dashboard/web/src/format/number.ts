/** Three significant digits, without exponent or trailing zeros: 0.1423 → "0.142", 21.53 → "21.5", 1234.5 → "1235". */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return "—";
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.min(3, Math.max(0, 2 - magnitude));
  const text = value.toFixed(decimals);
  const plain = decimals ? text.replace(/\.?0+$/, "") : text;
  return plain === "-0" ? "0" : plain;
}
