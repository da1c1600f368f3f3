import type { HazardDetail } from "@/api/hazards";
import type { InspectionDetail, InspectionItem, InspectionVerb } from "@/api/inspections";
import { photosOf, type ActState, type QueuedAct } from "./queue";

/** An item as the person at the phone sees it: with their own answer, sent or not. */
export interface ShownItem extends InspectionItem {
  pending: ActState | null;
}

export interface ShownFinding {
  key: string;
  title: string;
  level: string;
  hazard_id: string | null;
  photos: string[];
  pending: ActState | null;
}

export interface ShownVisit {
  visit: InspectionDetail;
  items: ShownItem[];
  /** What was found besides the lists, or failed. */
  findings: ShownFinding[];
  state: InspectionDetail["state"];
  acts: InspectionVerb[];
  /** How many items nobody has looked at. */
  left: number;
  pending: number;
}

function itemKey(item: { checklist_id: string; item_id: string }): string {
  return `${item.checklist_id}/${item.item_id}`;
}

function leads(visit: InspectionDetail, personId: number): boolean {
  return visit.team.some(({ id, duty }) => id === personId && duty === "leader");
}

/** What may be done in the visit as the phone sees it. The server judges again. */
function may(visit: InspectionDetail, state: InspectionDetail["state"], personId: number): InspectionVerb[] {
  if (!visit.team.some(({ id }) => id === personId)) return [];
  if (state === "planned") return ["begin"];
  if (state !== "begun") return [];
  return leads(visit, personId) ? ["answer", "find", "conclude"] : ["answer", "find"];
}

/** A visit as the server last had it, with what was done here since laid over it, in order. */
export function overlaid(visit: InspectionDetail, acts: readonly QueuedAct[], personId: number, personName: string): ShownVisit {
  // What was sent is in the server's answer; a conflict is undone until it is decided, and shown beside theirs.
  const open = acts
    .filter((act) => act.subject.kind === "inspection" && act.subject.id === visit.id && act.state === "waiting")
    .sort((one, other) => one.no - other.no);
  const unsettled = acts.filter(({ subject, state }) => subject.id === visit.id && (state === "conflict" || state === "refused"));
  const items = new Map<string, ShownItem>(visit.items.map((item) => [itemKey(item), { ...item, pending: null }]));
  const findings: ShownFinding[] = visit.findings.map(({ hazard_id, title, level }) => ({
    key: hazard_id, title, level, hazard_id, photos: [], pending: null,
  }));
  let state = visit.state;
  for (const act of unsettled) {
    if (act.deed.verb !== "answer") continue;
    const item = items.get(itemKey(act.deed));
    if (item) items.set(itemKey(act.deed), { ...item, pending: act.state });
  }
  for (const act of open) {
    const { deed } = act;
    if (deed.verb === "begin" && state === "planned") state = "begun";
    if (deed.verb === "conclude") state = "concluded";
    if (deed.verb === "answer") {
      const item = items.get(itemKey(deed));
      if (item) {
        const person = { id: personId, name: personName };
        items.set(itemKey(deed), { ...item, outcome: deed.outcome, note: deed.note ?? "", person, photos: photosOf(act), pending: "waiting" });
      }
    }
    if (deed.verb === "find" || (deed.verb === "answer" && deed.outcome === "fail")) {
      findings.push({ key: act.id, title: deed.title || act.title, level: deed.level ?? "general", hazard_id: null, photos: photosOf(act), pending: "waiting" });
    }
  }
  const shown = [...items.values()];
  return {
    visit, items: shown, findings, state, acts: may(visit, state, personId),
    left: shown.filter(({ outcome }) => outcome === null).length,
    pending: open.length,
  };
}

export interface ShownRecheck {
  hazard: HazardDetail;
  /** One's own recheck that has not arrived, if there is one. */
  mine: QueuedAct | null;
  open: boolean;
}

export function overlaidRecheck(hazard: HazardDetail, acts: readonly QueuedAct[]): ShownRecheck {
  const own = acts.filter(({ subject, state }) => subject.kind === "hazard" && subject.id === hazard.id && state !== "sent" && state !== "settled" && state !== "aside");
  const mine = own.at(-1) ?? null;
  return { hazard, mine, open: hazard.acts.includes("recheck") && mine === null };
}
