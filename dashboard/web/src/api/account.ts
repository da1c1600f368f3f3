import { get, remove, write } from "./http";

export const TOKEN_SCOPES = [
  "alerts:read", "alerts:operate", "institutions:read", "hazards:read", "inspections:read", "ratings:read", "export:read",
] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

export interface OwnSession {
  id: number;
  created_at: string;
  last_used_at: string;
  address: string;
  /** Browser and system; "" where nothing was told. */
  device: string;
  second_factor: boolean;
  this: boolean;
}

export interface SecondFactor {
  enrolled_at: string | null;
  recovery_codes_left: number;
  /** One's role must have one. */
  required: boolean;
}

export interface AccessToken {
  id: number;
  name: string;
  scopes: TokenScope[];
  created_at: string;
  expires_at: string;
  last_used_at: string | null;
}

export interface Account {
  sessions: OwnSession[];
  second_factor: SecondFactor;
  tokens: AccessToken[];
  scopes_offered: TokenScope[];
  token_days_max: number;
}

/** Shown once. */
export interface Enrolment {
  secret: string;
  uri: string;
  qr_svg: string;
}

export interface ManagedAccount {
  sessions: { last_used_at: string; device: string }[];
  second_factor: SecondFactor;
  tokens: AccessToken[];
}

export function own(): Promise<Account> {
  return get("/account");
}

export function endSession(id: number): Promise<void> {
  return remove(`/account/sessions/${id}`);
}

export function endOtherSessions(): Promise<void> {
  return remove("/account/sessions");
}

export function enrol(password: string): Promise<Enrolment> {
  return write("POST", "/account/second-factor", { password });
}

/** Takes the second factor into use; the recovery codes are told once. */
export async function confirmSecondFactor(code: string): Promise<string[]> {
  return (await write<{ recovery_codes: string[] }>("POST", "/account/second-factor/confirm", { code })).recovery_codes;
}

export async function renewRecoveryCodes(password: string, code: string): Promise<string[]> {
  const answer = await write<{ recovery_codes: string[] }>("POST", "/account/second-factor/recovery-codes", { password, code });
  return answer.recovery_codes;
}

export function removeSecondFactor(password: string, code: string): Promise<unknown> {
  return write("POST", "/account/second-factor/remove", { password, code });
}

/** The token itself is told once. */
export function makeToken(wanted: { name: string; scopes: TokenScope[]; days: number; password: string }): Promise<AccessToken & { token: string }> {
  return write("POST", "/account/tokens", wanted);
}

export function revokeToken(id: number): Promise<void> {
  return remove(`/account/tokens/${id}`);
}

/** The account of somebody one manages. */
export function ofPerson(personId: number): Promise<ManagedAccount> {
  return get(`/people/${personId}/account`);
}

export function signOutPerson(personId: number): Promise<unknown> {
  return write("POST", `/people/${personId}/sign-out`);
}

export function resetSecondFactor(personId: number): Promise<unknown> {
  return write("POST", `/people/${personId}/reset-second-factor`);
}
