import { addressOf, call, type Given, type Shapes } from "./call";

export type FileDetail = Shapes["FileDetail"];
export type FilePage = Shapes["FilePage"];
export type FirePage = Shapes["FirePage"];
export type Section = Shapes["FileSectionShape"];
export type Field = Shapes["FileField"];
export type Kept = Shapes["FileKept"];
export type Row = Kept["rows"][number];
export type Value = Row[string];
export type Place = Shapes["FileInstitution"];
export type Point = Shapes["FilePoint"];
export type FireGap = Shapes["FireGapShape"];
export type Outcome = NonNullable<FireGap["outcome"]>;
export type Change = Shapes["FileChange"];

export interface Words {
  zh: string;
  en: string;
}

export function list(query: NonNullable<Given<"GET", "/api/institution-files">["query"]>): Promise<FilePage> {
  return call("GET", "/api/institution-files", { query });
}

export async function catalogue(): Promise<Section[]> {
  return (await call("GET", "/api/institution-files/catalogue")).sections;
}

export function fire(query: { offset: number; limit: number }): Promise<FirePage> {
  return call("GET", "/api/institution-files/fire-acceptance", { query });
}

export function file(id: number): Promise<FileDetail> {
  return call("GET", "/api/institution-files/{institution_id}", { path: { institution_id: id } });
}

export async function history(id: number): Promise<Change[]> {
  return (await call("GET", "/api/institution-files/{institution_id}/history", { path: { institution_id: id } })).items;
}

/** Writes a section anew. Rejects with 409 where somebody else was faster. */
export function save(id: number, section: string, version: number, rows: Row[]): Promise<FileDetail> {
  return call("PUT", "/api/institution-files/{institution_id}/sections/{section}", {
    path: { institution_id: id, section },
    body: { version, rows },
  });
}

export function openGap(id: number, gap: Shapes["NewFireGap"]): Promise<FileDetail> {
  return call("POST", "/api/institution-files/{institution_id}/fire-gaps", { path: { institution_id: id }, body: gap });
}

export function closeGap(gap: number, closing: Shapes["FireGapClosing"]): Promise<FileDetail> {
  return call("POST", "/api/institution-files/fire-gaps/{gap_id}/close", { path: { gap_id: gap }, body: closing });
}

/** Where the Excel workbook is, of one institution or of all. */
export function workbookAddress(english: boolean, id?: number): string {
  return addressOf("/api/institution-files/workbook", { query: { lang: english ? "en" : "zh", institution_id: id } });
}

/** Takes a filled-in workbook in: everything, or nothing. Rejects with 422 and every error. */
export function take(workbook: Blob): Promise<Shapes["FilesImported"]> {
  return call("POST", "/api/institution-files/workbook", { body: workbook });
}
