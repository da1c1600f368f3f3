import { i18n, language } from "@/i18n";
import { zhCN } from "@/locales/zh-CN";
import { significant } from "./number";

const UNITS: Record<string, string> = { Cel: "°C", "Cel/min": "°C/min", "0/1": "", "1": "" };
const BINARY = new Set([
  "smoke_alarm", "heat_alarm", "call_point", "co_alarm", "gas_alarm", "water_leak", "fall", "on_floor", "sos", "occupancy",
  "vibration", "tamper", "battery_low", "mains_power", "alive", "fire_alarm", "fault",
]);
/** Where it is the no that somebody has to know of. */
const WANTED = new Set(["mains_power", "alive"]);
/** Where neither says that something is the matter. */
const PLAIN = new Set(["occupancy", "vibration"]);

/** Whether a quantity is a yes or a no rather than a measure. */
export function isBinary(quantity: string): boolean {
  return BINARY.has(quantity);
}

/** Whether a yes or no says that something is the matter. */
export function isTriggered(quantity: string, value: number): boolean {
  return isBinary(quantity) && !PLAIN.has(quantity) && Boolean(value) !== WANTED.has(quantity);
}

export function quantityName(quantity: string): string {
  return quantity in zhCN.quantity ? i18n.global.t(`quantity.${quantity}`) : quantity;
}

export function unitName(unit: string): string {
  return UNITS[unit] ?? unit;
}

/** A value as people read it: "0.142 dB/m", "21.5 °C", "98 %", "触发". */
export function formatValue(quantity: string, value: number, unit: string): string {
  if (PLAIN.has(quantity)) return i18n.global.t(value ? "binary.yes" : "binary.no");
  if (isBinary(quantity)) {
    const triggered = WANTED.has(quantity) ? "binary.gone" : "binary.on";
    return i18n.global.t(isTriggered(quantity, value) ? triggered : "binary.off");
  }
  const name = unitName(unit);
  return name ? `${significant(value)} ${name}` : significant(value);
}

/** A count with the reader's thousands separators. */
export function formatCount(count: number): string {
  return new Intl.NumberFormat(language.value).format(count);
}
