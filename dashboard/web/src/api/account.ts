import { call, type Shapes } from "./call";

export type Account = Shapes["Account"];
/** `device`: browser and system, "" where nothing was told. */
export type OwnSession = Account["sessions"][number];
export type SecondFactor = Shapes["SecondFactor"];
export type AccessToken = Shapes["AccessToken"];
export type TokenScope = AccessToken["scopes"][number];
/** Shown once. */
export type Enrolment = Shapes["Enrolment"];
export type ManagedAccount = Shapes["ManagedAccount"];

export function own(): Promise<Account> {
  return call("GET", "/api/account");
}

export function endSession(number: number): Promise<void> {
  return call("DELETE", "/api/account/sessions/{number}", { path: { number } });
}

export function endOtherSessions(): Promise<void> {
  return call("DELETE", "/api/account/sessions");
}

export function enrol(password: string): Promise<Enrolment> {
  return call("POST", "/api/account/second-factor", { body: { password } });
}

/** Takes the second factor into use; the recovery codes are told once. */
export async function confirmSecondFactor(code: string): Promise<string[]> {
  return (await call("POST", "/api/account/second-factor/confirm", { body: { code } })).recovery_codes;
}

export async function renewRecoveryCodes(password: string, code: string): Promise<string[]> {
  return (await call("POST", "/api/account/second-factor/recovery-codes", { body: { password, code } })).recovery_codes;
}

export function removeSecondFactor(password: string, code: string): Promise<void> {
  return call("POST", "/api/account/second-factor/remove", { body: { password, code } });
}

/** The token itself is told once. */
export function makeToken(wanted: Shapes["TokenRequest"]): Promise<Shapes["NewToken"]> {
  return call("POST", "/api/account/tokens", { body: wanted });
}

export function revokeToken(number: number): Promise<void> {
  return call("DELETE", "/api/account/tokens/{number}", { path: { number } });
}

/** The account of somebody one manages. */
export function ofPerson(person_id: number): Promise<ManagedAccount> {
  return call("GET", "/api/people/{person_id}/account", { path: { person_id } });
}

/** From now on this subject at the provider signs in as them. */
export function linkIdentity(person_id: number, subject: string): Promise<void> {
  return call("PUT", "/api/people/{person_id}/identity", { path: { person_id }, body: { subject } });
}

export function unlinkIdentity(person_id: number): Promise<void> {
  return call("DELETE", "/api/people/{person_id}/identity", { path: { person_id } });
}

export function signOutPerson(person_id: number): Promise<void> {
  return call("POST", "/api/people/{person_id}/sign-out", { path: { person_id } });
}

export function resetSecondFactor(person_id: number): Promise<void> {
  return call("POST", "/api/people/{person_id}/reset-second-factor", { path: { person_id } });
}
