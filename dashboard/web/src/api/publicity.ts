import { call, callOpenly, type Shapes } from "./call";

export type CommitmentText = Shapes["CommitmentTextShape"];
/** `text` is null where this version of Anhu cannot read the text that was signed. */
export type Commitment = Shapes["CommitmentShape"];
export type Standing = Commitment["standing"];
/** `head_gone`: who signed the one in force is no longer the head. `named`: how many of the responsible persons have agreed
 * to be named in public. */
export type CommitmentDetail = Shapes["CommitmentDetail"];
export type CommitmentPage = Shapes["CommitmentPage"];
export type EntryPublication = Shapes["EntryPublication"];
export type PublicPlace = Shapes["PublicPlace"];
export type PublicHazards = Shapes["PublicHazards"];
export type PublicInstitution = Shapes["PublicInstitution"];
export type PublicEntry = Shapes["PublicEntryShape"];
export type PublicCounty = Shapes["PublicCounty"];

export function list(query: { q: string; lacking: boolean; offset: number; limit: number }): Promise<CommitmentPage> {
  return call("GET", "/api/commitments", { query });
}

export function commitment(id: number): Promise<CommitmentDetail> {
  return call("GET", "/api/commitments/{institution_id}", { path: { institution_id: id } });
}

/** Signs the text that was read. Rejects with 409 where another one is in force meanwhile. */
export function sign(id: number, sha256: string, months: number): Promise<CommitmentDetail> {
  return call("POST", "/api/commitments/{institution_id}", { path: { institution_id: id }, body: { sha256, months } });
}

export function revoke(id: number, commitmentId: number, reason: string): Promise<CommitmentDetail> {
  return call("POST", "/api/commitments/{institution_id}/revoke", {
    path: { institution_id: id },
    body: { commitment_id: commitmentId, reason },
  });
}

export function publishPage(id: number, published: boolean, note: string): Promise<CommitmentDetail> {
  return call("POST", "/api/commitments/{institution_id}/publication", { path: { institution_id: id }, body: { published, note } });
}

export function entryPublication(id: string): Promise<EntryPublication> {
  return call("GET", "/api/credit-lists/{entry_id}/publication", { path: { entry_id: id } });
}

export function publishEntry(id: string, act: Shapes["EntryPublishing"]): Promise<EntryPublication> {
  return call("POST", "/api/credit-lists/{entry_id}/publication", { path: { entry_id: id }, body: act });
}

export function publicInstitution(id: number): Promise<PublicInstitution> {
  return callOpenly("GET", "/api/public/institutions/{institution_id}", { path: { institution_id: id } });
}

export function publicCounty(region: string): Promise<PublicCounty> {
  return callOpenly("GET", "/api/public/counties/{region}", { path: { region } });
}
