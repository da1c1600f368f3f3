import { call, type Given, type Shapes } from "./call";

export type RuleWords = Shapes["RuleWords"];
export type RulesDifference = Shapes["RulesDifference"];
export type RuleVersion = Shapes["RuleVersion"];
export type RulesInForce = Shapes["RulesInForce"];
export type RulesCheck = Shapes["RulesCheck"];
export type Backtest = Shapes["Backtest"];
export type BacktestExample = Shapes["BacktestExample"];
export type BacktestChange = BacktestExample["change"];
export type BacktestState = Shapes["BacktestState"];

export function inForce(): Promise<RulesInForce> {
  return call("GET", "/api/rules");
}

export async function shippedText(): Promise<string> {
  return (await call("GET", "/api/rules/shipped")).text;
}

export function versions(before?: number): Promise<Shapes["RuleVersions"]> {
  const query: Given<"GET", "/api/rules/versions">["query"] = before === undefined ? {} : { before };
  return call("GET", "/api/rules/versions", { query });
}

export function version(id: number): Promise<Shapes["RuleVersionText"]> {
  return call("GET", "/api/rules/versions/{version_id}", { path: { version_id: id } });
}

export function check(text: string): Promise<RulesCheck> {
  return call("POST", "/api/rules/check", { body: { text } });
}

export function load(text: string, reason: string, standing: string): Promise<Shapes["Loaded"]> {
  return call("POST", "/api/rules", { body: { text, reason, standing_sha256: standing } });
}

export function backtest(): Promise<BacktestState> {
  return call("GET", "/api/rules/backtest");
}

export function beginBacktest(text: string, begin: string, end: string): Promise<BacktestState> {
  return call("POST", "/api/rules/backtest", { body: { text, begin, end } });
}

export function cancelBacktest(): Promise<BacktestState> {
  return call("DELETE", "/api/rules/backtest");
}
