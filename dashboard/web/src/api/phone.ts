import type { InstitutionDetail, Iso } from "./contract";
import type { Assignee, Category, HazardDetail, HazardOptions, HazardRow, Level, Named, Supervisor } from "./hazards";
import { address, authorised, get, write } from "./http";
import type { InspectionDetail, Outcome } from "./inspections";

/** Who has to rectify what was found; `term` null: the policy's. */
export interface Given {
  assignee_id: number;
  term: string | null;
}

interface Finding {
  title: string;
  category: Category;
  level: Level;
  supervisor: Supervisor;
  zone_id: number | null;
  photos: string[];
  assignment: Given | null;
}

export type Deed =
  | { verb: "begin" }
  | (Partial<Finding> & { verb: "answer"; checklist_id: string; item_id: string; outcome: Outcome; note: string })
  | (Finding & { verb: "find"; note: string })
  | { verb: "conclude"; conclusion: string }
  | { verb: "recheck"; passed: boolean; note: string; photos: string[] }
  | (Finding & { verb: "report"; institution_id: number; detail: string; device_id: number | null })
  | { verb: "keep" };

export type PlaceMissing = "denied" | "unavailable" | "timeout" | "unsupported";

/** Where the phone was; `missing` says why it does not know. */
export type Position =
  | { latitude: number; longitude: number; accuracy_m: number }
  | { missing: PlaceMissing };

/** What goes to the server; the times are the phone's. */
export interface SentAct {
  id: string;
  subject_id: string | null;
  based_on: number;
  act: Deed;
  done_at: Iso;
  sent_at: Iso;
  settles: string | null;
  latitude?: number;
  longitude?: number;
  accuracy_m?: number;
}

/** What somebody else did meanwhile. */
export interface Their {
  seq: number;
  verb: string;
  at: Iso;
  person: Named | null;
  actor: string;
  outcome: Outcome | null;
  passed: boolean | null;
  note: string;
  photos: string[];
  deadline: Iso | null;
}

export interface Receipt {
  id: string;
  outcome: "done" | "same" | "conflict";
  seq: number | null;
  hazard_id: string | null;
  theirs: Their[];
  inspection: InspectionDetail | null;
  hazard: HazardDetail | null;
}

export interface PhonePlace {
  institution: InstitutionDetail;
  assignees: Assignee[];
  hazards: HazardRow[];
}

export interface PhoneDay {
  at: Iso;
  inspections: InspectionDetail[];
  rechecks: HazardDetail[];
  places: PhonePlace[];
  options: HazardOptions;
  left_out: number;
}

export interface PhotoStamp {
  photo_id: string;
  taken_at: Iso;
  received_at: Iso;
  latitude: number | null;
  longitude: number | null;
  accuracy_m: number | null;
  place_missing: PlaceMissing | null;
}

export function day(): Promise<PhoneDay> {
  return get("/phone/day");
}

export function perform(act: SentAct): Promise<Receipt> {
  return write("POST", "/phone/acts", act);
}

export interface PhotoQuery {
  photo_id: string;
  institution_id: number;
  taken_at: Iso;
  sent_at: Iso;
  latitude?: number;
  longitude?: number;
  accuracy_m?: number;
  place_missing?: PlaceMissing;
}

/** The same id again changes nothing. */
export async function upload(query: PhotoQuery, picture: Blob): Promise<void> {
  await authorised("POST", address("/phone/photos", { ...query }), picture);
}

/** When and where photos were taken that came from a phone. At most 50 at once. */
export async function stamps(ids: string[]): Promise<PhotoStamp[]> {
  const query = ids.map((id) => `photo_id=${id}`).join("&");
  return (await (await authorised("GET", `${address("/phone/stamps")}?${query}`)).json()) as PhotoStamp[];
}

/** A photo that is on the server. */
export async function picture(id: string): Promise<Blob> {
  return (await authorised("GET", address(`/hazards/photos/${id}`))).blob();
}
