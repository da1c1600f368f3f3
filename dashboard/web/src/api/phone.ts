import { call, type Given, type Shapes } from "./call";
import { authorised } from "./http";
import { photoUrl } from "./hazards";

/** What goes to the server; the times are the phone's. */
export type SentAct = Shapes["PhoneAct"];
/** What was done: a verb and what belongs to it. */
export type Deed = SentAct["act"];
/** Who has to rectify what was found; `term` null: the policy's. */
export type Assignment = Shapes["Given"];
/** What somebody else did meanwhile. */
export type Their = Shapes["Their"];
export type Receipt = Shapes["PhoneReceipt"];
export type PhonePlace = Shapes["PhonePlace"];
export type PhoneDay = Shapes["PhoneDay"];
export type PhotoStamp = Shapes["PhotoStamp"];
export type PlaceMissing = NonNullable<PhotoStamp["place_missing"]>;
export type PhotoQuery = Given<"POST", "/api/phone/photos">["query"];

/** Where the phone was; `missing` says why it does not know. */
export type Position =
  | { latitude: number; longitude: number; accuracy_m: number }
  | { missing: PlaceMissing };

export function day(): Promise<PhoneDay> {
  return call("GET", "/api/phone/day");
}

export function perform(act: SentAct): Promise<Receipt> {
  return call("POST", "/api/phone/acts", { body: act });
}

/** The same id again changes nothing. */
export async function upload(query: PhotoQuery, picture: Blob): Promise<void> {
  await call("POST", "/api/phone/photos", { query, body: picture });
}

/** When and where those photos of a hazard were taken that came from a phone. */
export function stamps(hazardId: string): Promise<PhotoStamp[]> {
  return call("GET", "/api/phone/hazards/{hazard_id}/stamps", { path: { hazard_id: hazardId } });
}

/** A photo that is on the server. */
export async function picture(id: string): Promise<Blob> {
  return (await authorised("GET", photoUrl(id))).blob();
}
