import type { Iso } from "./contract";
import { address, authorised, get, write } from "./http";

export interface Version {
  version: number;
  verb: "add" | "replace" | "remove";
  title: string;
  /** Null for a removal. */
  type: "pdf" | "docx" | "xlsx" | "pptx" | "ofd" | "photo" | null;
  size_bytes: number | null;
  sha256: string | null;
  reason: string;
  at: Iso;
  actor: string;
}

export interface Document {
  id: string;
  section: string;
  removed: boolean;
  /** The newest first. */
  versions: [Version, ...Version[]];
}

export interface Documents {
  sections: { value: string; zh: string; en: string }[];
  items: Document[];
  kept_bytes: number;
  kept_bytes_max: number;
  count_max: number;
  bytes_max: number;
}

const BASE = "/institution-files";

export function list(institutionId: number): Promise<Documents> {
  return get(`${BASE}/${institutionId}/documents`);
}

async function sent(url: string, file: Blob): Promise<Documents> {
  return (await (await authorised("POST", url, file)).json()) as Documents;
}

export function add(institutionId: number, section: string, title: string, file: Blob): Promise<Documents> {
  return sent(address(`${BASE}/documents`, { institution_id: institutionId, section, title }), file);
}

/** Puts a new version in place of the one that was seen. Rejects with 409 where somebody else was faster. */
export function replace(document: Document, title: string, file: Blob): Promise<Documents> {
  return sent(address(`${BASE}/documents/versions`, { document_id: document.id, version: document.versions[0].version, title }), file);
}

export function remove(document: Document, reason: string): Promise<Documents> {
  return write("POST", `${BASE}/documents/${document.id}/remove`, { version: document.versions[0].version, reason });
}

export function fileUrl(document: Document, version: Version): string {
  return address(`${BASE}/documents/${document.id}/versions/${version.version}`);
}
