import type { Language } from "@/i18n";
import { addressOf, call, type Given, type Shapes } from "./call";
import { every } from "./every";

/** One thing somebody did, or which personal data they read. */
export type Entry = Shapes["AuditEntry"];
export type Source = Entry["source"];
export const SOURCES = every<Source>()("acts", "alarms", "reads");
export type Trail = Shapes["AuditPage"];
export type Wanted = Omit<NonNullable<Given<"GET", "/api/audit">["query"]>, "cursor" | "limit">;

export function trail(wanted: Wanted, cursor: string | undefined, limit: number): Promise<Trail> {
  return call("GET", "/api/audit", { query: { ...wanted, cursor, limit } });
}

/** Where the CSV file is; the export is an entry of the trail itself. */
export function fileAddress(wanted: Wanted, lang: Language, reason: string): string {
  return addressOf("/api/audit/file", { query: { ...wanted, lang: lang === "en" ? "en" : "zh", reason } });
}

/** Every record against the chain: takes seconds for every hundred thousand of them. */
export function verify(): Promise<Shapes["LedgerCheck"]> {
  return call("GET", "/api/ledger/verify");
}
