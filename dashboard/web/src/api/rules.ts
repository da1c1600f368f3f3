import type { AlertDevice, AlertInstitution, AlertKind, AlertZone, Iso, Priority } from "./contract";
import { get, remove, write } from "./http";

export interface RuleWords {
  id: string;
  kind: AlertKind;
  priority: Priority;
  /** Null of a combination. */
  quantity: string | null;
  /** Raises nothing by itself. */
  sign: boolean;
  combination: boolean;
  title_zh: string;
  title_en: string;
  text_zh: string;
  text_en: string;
  clause_zh: string;
  clause: string;
  clause_verified: boolean;
  /** Empty: all. */
  institution_kinds: string[];
  zone_kinds: string[];
  zone_kinds_except: string[];
}

export interface RulesDifference {
  added: string[];
  removed: string[];
  changed: { id: string; fields: { field: string; before: string; after: string }[] }[];
  wording: string[];
}

export interface RuleVersion {
  id: number;
  version: string;
  sha256: string;
  loaded_at: Iso;
  loaded_by: string;
  reason: string;
}

export interface RulesInForce {
  in_force: RuleVersion | null;
  version: string;
  sha256: string;
  rules: RuleWords[];
  /** `newer` is null where the version in force is a name of somebody's own. */
  shipped: { version: string; same: boolean; newer: boolean | null; difference: RulesDifference };
}

export interface RulesCheck {
  problems: { line: number | null; text: string }[];
  version: string;
  sha256: string;
  rule_count: number;
  combination_count: number;
  unverified: string[];
  difference: RulesDifference | null;
}

export type BacktestChange = "more" | "less" | "earlier" | "later";

export interface BacktestExample {
  change: BacktestChange;
  kind: AlertKind;
  priority: Priority;
  rule: string;
  at: Iso;
  /** How much later; negative: earlier. */
  shift_s: number | null;
  institution: AlertInstitution | null;
  zone: AlertZone | null;
  device: AlertDevice | null;
}

export interface Backtest {
  number: number;
  state: "running" | "done" | "failed" | "cancelled";
  by: string;
  version: string;
  begin: Iso;
  end: Iso;
  begun_at: Iso;
  share: number;
  reading_count: number;
  problem: string;
  counts: Record<BacktestChange | "same", number> | null;
  examples: BacktestExample[];
}

export interface BacktestState {
  backtest: Backtest | null;
  days_max: number;
}

export function inForce(): Promise<RulesInForce> {
  return get("/rules");
}

export async function shippedText(): Promise<string> {
  return (await get<{ text: string }>("/rules/shipped")).text;
}

export function versions(before?: number): Promise<{ items: RuleVersion[]; next_before: number | null }> {
  return get("/rules/versions", { before });
}

export function version(id: number): Promise<{ id: number; text: string; difference: RulesDifference | null }> {
  return get(`/rules/versions/${id}`);
}

export function check(text: string): Promise<RulesCheck> {
  return write("POST", "/rules/check", { text });
}

export function load(text: string, reason: string, standing: string): Promise<{ version: string; loaded: boolean }> {
  return write("POST", "/rules", { text, reason, standing_sha256: standing });
}

export function backtest(): Promise<BacktestState> {
  return get("/rules/backtest");
}

export function beginBacktest(text: string, begin: Iso, end: Iso): Promise<BacktestState> {
  return write("POST", "/rules/backtest", { text, begin, end });
}

export function cancelBacktest(): Promise<void> {
  return remove("/rules/backtest");
}
