import type { Language } from "@/i18n";
import type { AlertInstitution, Iso } from "./contract";
import { address, get, type Query } from "./http";

export const SOURCES = ["acts", "alarms", "reads"] as const;
export type Source = (typeof SOURCES)[number];

/** One thing somebody did, or which personal data they read. */
export interface Entry {
  source: Source;
  id: number;
  at: Iso;
  /** "user:NAME", or what the service did by itself. */
  actor: string;
  /** Null for who is out of reach. */
  name: string | null;
  verb: string;
  subject: string;
  institution: AlertInstitution | null;
  /** Where a read came from. */
  address: string;
  reason: string;
  body: Record<string, unknown>;
}

export interface Trail {
  items: Entry[];
  next_cursor: string | null;
  /** How many records the ledger chains, and when its head was last signed. */
  chained: number;
  last_checkpoint_at: Iso | null;
}

export interface Wanted {
  source?: Source;
  who?: string;
  what?: string;
  from?: string;
  to?: string;
  institution_id?: number;
}

export interface Check {
  records: number;
  fault_count: number;
  last_checkpoint_at: Iso | null;
}

function query(wanted: Wanted): Query {
  return { ...wanted };
}

export function trail(wanted: Wanted, cursor: string | undefined, limit: number): Promise<Trail> {
  return get("/audit", { ...query(wanted), cursor, limit });
}

/** Where the CSV file is; the export is an entry of the trail itself. */
export function fileAddress(wanted: Wanted, lang: Language, reason: string): string {
  return address("/audit/file", { ...query(wanted), lang: lang === "en" ? "en" : "zh", reason });
}

/** Every record against the chain: takes seconds for every hundred thousand of them. */
export function verify(): Promise<Check> {
  return get("/ledger/verify");
}
