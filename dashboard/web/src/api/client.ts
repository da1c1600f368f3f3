import type {
  Alert, AlertDetail, AlertKind, AlertNotifications, CursorPage, DeadLetter, InstitutionDetail, OperatorVerb, Readings,
  SystemStatus, Unclaimed,
} from "./contract";
import { address, ApiError, get, send, write } from "./http";
import type { User } from "./people";

export { ApiError, whenSessionExpires } from "./http";

/** `code`: the authenticator's or a recovery code; rejects with `second-factor-wanted` where it is missing. */
export async function signIn(username: string, password: string, code?: string): Promise<User> {
  return (await (await send("POST", address("/session"), { username, password, code })).json()) as User;
}

/** The signed-in user, or null when nobody is. */
export async function currentUser(): Promise<User | null> {
  try {
    return (await (await send("GET", address("/session"))).json()) as User;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** Ends the session, also when it had ended already. */
export async function signOut(): Promise<void> {
  try {
    await send("DELETE", address("/session"));
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
  }
}

/** Changes one's own password. Rejects with 401, 403 or 422 when the old one is wrong or the new one too weak. */
export async function changePassword(old: string, next: string): Promise<void> {
  await send("POST", address("/session/password"), { old, new: next });
}

export function institution(id: number): Promise<InstitutionDetail> {
  return get(`/institutions/${id}`);
}

export interface AlertQuery {
  state: "open" | "closed" | "all";
  institution_id?: number;
  kind?: AlertKind;
  cursor?: string;
  limit?: number;
}

export function alerts(query: AlertQuery): Promise<CursorPage<Alert>> {
  return get("/alerts", { ...query });
}

export function alert(id: string): Promise<AlertDetail> {
  return get(`/alerts/${encodeURIComponent(id)}`);
}

/** Acknowledge or reset. Rejects with status 409 when the version is stale or the verb illegal now. */
export function operate(verb: OperatorVerb, id: string, version: number, note: string): Promise<Alert> {
  return write("POST", `/alerts/${encodeURIComponent(id)}/${verb}`, note ? { version, note } : { version });
}

/** Leaves a remark in an alert's history; also when it is over. */
export function comment(id: string, note: string): Promise<unknown> {
  return write("POST", `/alerts/${encodeURIComponent(id)}/comment`, { note });
}

/** Who has been told of an alert, and who is next. */
export function notifications(id: string): Promise<AlertNotifications> {
  return get(`/alerts/${encodeURIComponent(id)}/notifications`);
}

export function readings(deviceId: number, fromMs: number, toMs: number, pointsMax: number): Promise<Readings> {
  return get(`/devices/${deviceId}/readings`, {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    points_max: pointsMax,
  });
}

export function system(): Promise<SystemStatus> {
  return get("/system");
}

export function deadLetters(cursor: string | undefined, limit: number): Promise<CursorPage<DeadLetter>> {
  return get("/dead-letters", { cursor, limit });
}

export function unclaimed(limit: number): Promise<{ items: Unclaimed[] }> {
  return get("/unclaimed", { limit });
}
