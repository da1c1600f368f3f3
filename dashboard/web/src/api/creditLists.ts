import { act as perform, call, type Act, type Given, type Shapes, type Unversioned } from "./call";
import { every } from "./every";

/** `no` is given with the notice; `standing`: on the list. */
export type CreditRow = Shapes["CreditRow"];
export type CreditPage = Shapes["CreditPage"];
export type CreditFacts = Shapes["CreditFacts"];
export type CreditEvent = Shapes["CreditEventShape"];
export type CreditDetail = Shapes["CreditDetail"];
export type PaperText = Shapes["CreditPaperText"];
export type CreditPaper = Shapes["CreditPaperShape"];
/** `clauses`: the source of a figure by its name; a figure without one is Anhu's default. */
export type CreditList = Shapes["CreditListShape"];
export type CreditCriteria = Shapes["CreditCriteriaShape"];
export type DueVisit = Shapes["DueVisit"];
export type DueVisitPage = Shapes["DueVisitPage"];

export type ListKind = CreditRow["kind"];
export const KINDS = every<ListKind>()("red", "watch", "black");
type Query = NonNullable<Given<"GET", "/api/credit-lists">["query"]>;
export type Which = NonNullable<Query["which"]>;
export const WHICH = every<Which>()("open", "standing", "ended", "all");
export type CreditState = CreditRow["state"];
/** The road of an entry as the page shows it. */
export const STEPS = ["proposed", "notified", "delivered", "listed", "removed"] as const satisfies readonly CreditState[];
export type Delivery = NonNullable<CreditEvent["delivery"]>;
export const DELIVERIES = every<Delivery>()("in_person", "post", "electronic", "left");
export type CreditEnd = NonNullable<CreditRow["end"]>;
export type CreditVerb = CreditEvent["verb"];
export type DueStanding = DueVisit["standing"];
export const DUE = every<DueStanding>()("overdue", "due_soon", "in_time");

export function list(filter: Omit<Query, "limit">): Promise<CreditPage> {
  return call("GET", "/api/credit-lists", { query: { ...filter, limit: 50 } });
}

export function criteria(): Promise<CreditCriteria> {
  return call("GET", "/api/credit-lists/criteria");
}

export function entry(id: string): Promise<CreditDetail> {
  return call("GET", "/api/credit-lists/{entry_id}", { path: { entry_id: id } });
}

export function paper(id: string, seq: number): Promise<CreditPaper> {
  return call("GET", "/api/credit-lists/{entry_id}/papers/{seq}", { path: { entry_id: id, seq } });
}

export function propose(made: Shapes["NewCreditEntry"]): Promise<CreditDetail> {
  return call("POST", "/api/credit-lists", { body: made });
}

const ACTS = "/api/credit-lists/{entry_id}/";
export type CreditAct = Unversioned<Exclude<Act<typeof ACTS>, ["publication", unknown]>>;

/** Acts on the entry as it was seen. Rejects with 409 where somebody else was faster. */
export async function act(id: string, version: number, ...[name, body]: CreditAct): Promise<CreditDetail> {
  return perform(ACTS, { entry_id: id }, [name, { version, ...body }] as Act<typeof ACTS>) as Promise<CreditDetail>;
}

export function dueVisits(query: NonNullable<Given<"GET", "/api/visits-due">["query"]>): Promise<DueVisitPage> {
  return call("GET", "/api/visits-due", { query });
}
