import { call, callOpenly, type Answer, type Given, type Shapes } from "./call";
import type { Alert, AlertDetail, AlertNotifications, InstitutionDetail, OperatorVerb, Readings, SystemStatus } from "./contract";
import { ApiError } from "./http";
import type { User } from "./people";

export { ApiError, whenSessionExpires } from "./http";

/** `code`: the authenticator's or a recovery code; rejects with `second-factor-wanted` where it is missing. */
export function signIn(username: string, password: string, code?: string): Promise<User> {
  return callOpenly("POST", "/api/session", { body: { username, password, code } });
}

/** Ways to sign in besides user name and password. */
export function signInWays(): Promise<Shapes["SignInWays"]> {
  return callOpenly("GET", "/api/session/ways");
}

/** The signed-in user, or null when nobody is. */
export async function currentUser(): Promise<User | null> {
  try {
    return await callOpenly("GET", "/api/session");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** Ends the session, also when it had ended already. */
export async function signOut(): Promise<void> {
  try {
    await callOpenly("DELETE", "/api/session");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
  }
}

/** Changes one's own password. Rejects with 401, 403 or 422 when the old one is wrong or the new one too weak. */
export function changePassword(old: string, next: string): Promise<void> {
  return callOpenly("POST", "/api/session/password", { body: { old, new: next } });
}

export function institution(id: number): Promise<InstitutionDetail> {
  return call("GET", "/api/institutions/{institution_id}", { path: { institution_id: id } });
}

export type AlertQuery = NonNullable<Given<"GET", "/api/alerts">["query"]>;

export function alerts(query: AlertQuery): Promise<Answer<"GET", "/api/alerts">> {
  return call("GET", "/api/alerts", { query });
}

export function alert(id: string): Promise<AlertDetail> {
  return call("GET", "/api/alerts/{alert_id}", { path: { alert_id: id } });
}

/** Acknowledge or reset. Rejects with status 409 when the version is stale or the verb illegal now. */
export function operate(verb: OperatorVerb, id: string, version: number, note: string): Promise<Alert> {
  return call("POST", `/api/alerts/{alert_id}/${verb}`, { path: { alert_id: id }, body: note ? { version, note } : { version } });
}

/** Leaves a remark in an alert's history; also when it is over. */
export function comment(id: string, note: string): Promise<Alert> {
  return call("POST", "/api/alerts/{alert_id}/comment", { path: { alert_id: id }, body: { note } });
}

/** Who has been told of an alert, and who is next. */
export function notifications(id: string): Promise<AlertNotifications> {
  return call("GET", "/api/alerts/{alert_id}/notifications", { path: { alert_id: id } });
}

export function readings(deviceId: number, fromMs: number, toMs: number, pointsMax: number): Promise<Readings> {
  return call("GET", "/api/devices/{device_id}/readings", {
    path: { device_id: deviceId },
    query: { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), points_max: pointsMax },
  });
}

export function system(): Promise<SystemStatus> {
  return call("GET", "/api/system");
}

export function deadLetters(cursor: string | undefined, limit: number): Promise<Shapes["DeadLetterPage"]> {
  return call("GET", "/api/dead-letters", { query: { cursor, limit } });
}

export function unclaimed(limit: number): Promise<Shapes["UnclaimedPage"]> {
  return call("GET", "/api/unclaimed", { query: { limit } });
}
