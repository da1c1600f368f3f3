import { call, type Given, type Shapes } from "./call";
import { every } from "./every";

/** `password_change_required` (signed in with a one-time password), `second_factor_required`: nothing else is served before. */
export type User = Shapes["User"];
export type Role = User["role"];
export type Right = User["rights"][number];
export const ROLES = every<Role>()(
  "operator", "institution_manager", "safety_officer", "inspector", "expert", "supervisor", "administrator",
);

/** One institution, or a region by the beginning of its GB/T 2260 code: county 6, city 4, province 2 digits, "" everywhere. */
export type Scope = Shapes["Scope-Output"];
/** A way to reach somebody. The address itself never leaves the server: `hint` is its host or last characters. */
export type ContactHint = Shapes["Way"];
export type Person = Shapes["Person"];
/** A person whose sign-in was just made or reset: the password is told once. */
export type PersonWithPassword = Person & Partial<Pick<Shapes["PersonWithPassword"], "one_time_password">>;
export type NewPerson = Shapes["PersonRequest"];
export type PersonChange = Shapes["PersonChange"];

export type PeopleQuery = NonNullable<Given<"GET", "/api/people">["query"]>;

/** A page of the people within one's own scope, the widest reach first. */
export function list(query: PeopleQuery): Promise<Shapes["PeoplePage"]> {
  return call("GET", "/api/people", { query });
}

export function add(person: NewPerson): Promise<PersonWithPassword> {
  return call("POST", "/api/people", { body: person });
}

export function change(id: number, what: PersonChange): Promise<PersonWithPassword> {
  return call("PATCH", "/api/people/{person_id}", { path: { person_id: id }, body: what });
}

/** Replaces every way to reach a person; the first is tried first. */
export function setContacts(id: number, ways: Shapes["NewWay"][]): Promise<Person> {
  return call("PUT", "/api/people/{person_id}/contacts", { path: { person_id: id }, body: { ways } });
}

export function resetPassword(id: number): Promise<PersonWithPassword> {
  return call("POST", "/api/people/{person_id}/reset-password", { path: { person_id: id } });
}
