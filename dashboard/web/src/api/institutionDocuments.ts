import { addressOf, call, type Shapes } from "./call";

/** `type` is null for a removal. */
export type Version = Shapes["DocumentVersion"];
/** `versions`: the newest first, and there is always one. */
export type Document = Omit<Shapes["DocumentShape"], "versions"> & { versions: [Version, ...Version[]] };
export type Documents = Omit<Shapes["DocumentList"], "items"> & { items: Document[] };

function known(answer: Promise<Shapes["DocumentList"]>): Promise<Documents> {
  return answer as Promise<Documents>;
}

export function list(institutionId: number): Promise<Documents> {
  return known(call("GET", "/api/institution-files/{institution_id}/documents", { path: { institution_id: institutionId } }));
}

export function add(institutionId: number, section: string, title: string, file: Blob): Promise<Documents> {
  return known(call("POST", "/api/institution-files/documents", { query: { institution_id: institutionId, section, title }, body: file }));
}

/** Puts a new version in place of the one that was seen. Rejects with 409 where somebody else was faster. */
export function replace(document: Document, title: string, file: Blob): Promise<Documents> {
  return known(call("POST", "/api/institution-files/documents/versions", {
    query: { document_id: document.id, version: document.versions[0].version, title },
    body: file,
  }));
}

export function remove(document: Document, reason: string): Promise<Documents> {
  return known(call("POST", "/api/institution-files/documents/{document_id}/remove", {
    path: { document_id: document.id },
    body: { version: document.versions[0].version, reason },
  }));
}

export function fileUrl(document: Document, { version }: Version): string {
  return addressOf("/api/institution-files/documents/{document_id}/versions/{version}", { path: { document_id: document.id, version } });
}
