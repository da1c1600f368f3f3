import { MEANS, type Means } from "@/api/suppressions";
import { session } from "@/session";

/** The means the signed-in person may use; the right of each has its name. */
export function ownMeans(): Means[] {
  return MEANS.filter((means) => session.may(means));
}

export function maySuppress(): boolean {
  return ownMeans().length > 0;
}
