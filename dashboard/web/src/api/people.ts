import { get, write } from "./http";

export const ROLES = [
  "operator", "institution_manager", "safety_officer", "inspector", "expert", "supervisor", "administrator",
] as const;
export type Role = (typeof ROLES)[number];

export type Right =
  | "view" | "acknowledge" | "reset" | "comment" | "shelve" | "out_of_service" | "maintenance" | "manage_plans" | "view_residents" | "manage_rotations"
  | "answer_duty_check" | "call_duty_check" | "hand_over" | "drill" | "manage_people" | "view_notifications" | "view_system" | "view_ledger"
  | "report_hazard" | "assign_hazard" | "rectify_hazard" | "recheck_hazard" | "close_hazard"
  | "record_safety" | "manage_credit_list" | "appeal_credit_list" | "decide_credit_appeal" | "plan_inspection" | "inspect" | "draw" | "sign_report" | "write_file"
  | "sign_commitment" | "publish_page" | "register_device";

/** One institution, or a region by the beginning of its GB/T 2260 code: county 6, city 4, province 2 digits, "" everywhere. */
export interface Scope {
  institution_id: number | null;
  region: string;
}

export interface User {
  id: number;
  username: string;
  display_name: string;
  role: Role;
  person_id: number | null;
  scope: Scope;
  rights: Right[];
  /** Signed in with a one-time password: nothing else is served before they choose their own. */
  password_change_required?: boolean;
}

/** A way to reach somebody. The address itself never leaves the server: `hint` is its host or last characters. */
export interface ContactHint {
  channel: string;
  rank: number;
  hint: string;
}

export interface Person {
  id: number;
  name: string;
  role: Role;
  scope: Scope;
  language: "zh" | "en";
  active: boolean;
  username: string | null;
  contacts: ContactHint[];
}

/** A person whose sign-in was just made or reset: the password is told once. */
export type PersonWithPassword = Person & { one_time_password?: string | null };

export interface NewPerson {
  name: string;
  role: Role;
  scope: Scope;
  language: "zh" | "en";
  username?: string;
}

export type PersonChange = Partial<Pick<Person, "name" | "role" | "scope" | "language" | "active">> & { username?: string };

export async function list(): Promise<Person[]> {
  return (await get<{ items: Person[] }>("/people")).items;
}

export function add(person: NewPerson): Promise<PersonWithPassword> {
  return write("POST", "/people", person);
}

export function change(id: number, what: PersonChange): Promise<PersonWithPassword> {
  return write("PATCH", `/people/${id}`, what);
}

/** Replaces every way to reach a person; the first is tried first. */
export function setContacts(id: number, ways: { channel: string; address: string }[]): Promise<unknown> {
  return write("PUT", `/people/${id}/contacts`, { ways });
}

export function resetPassword(id: number): Promise<PersonWithPassword> {
  return write("POST", `/people/${id}/reset-password`);
}
