import { i18n } from "@/i18n";

const PERSON = "user:";

/** Who did it, as people say it: the event log writes "engine" or "user:NAME". */
export function actorName(actor: string): string {
  if (actor === "engine") return i18n.global.t("alert.engine");
  return actor.startsWith(PERSON) ? actor.slice(PERSON.length) : actor;
}
