import type {
  Alert, AlertDetail, AlertKind, CursorPage, DeadLetter, InstitutionDetail, OperatorVerb, Problem, Readings,
  SystemStatus, Unclaimed, User,
} from "./contract";

const REQUEST_TIMEOUT_MS = 15_000;

/** A request that did not end in a 2xx. `status` 0 means that the server was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
    readonly retryAfterS: number | null,
  ) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.name = "ApiError";
  }
}

let onSessionExpired: () => void = () => undefined;

/** What to do when the server says 401 to anything but a sign-in. */
export function whenSessionExpires(handler: () => void): void {
  onSessionExpired = handler;
}

type Query = Record<string, string | number | undefined>;

function address(path: string, query?: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `/api${path}${text ? `?${text}` : ""}`;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return (await response.json()) as Problem;
  } catch {
    return { status: response.status, title: response.statusText };
  }
}

async function send(method: string, url: string, body?: unknown): Promise<Response> {
  const init: RequestInit = {
    method,
    credentials: "same-origin",
    headers: { Accept: "application/json" },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { Accept: "application/json", "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (cause) {
    throw new ApiError(0, { title: cause instanceof Error ? cause.message : String(cause) }, null);
  }
  if (response.ok) return response;
  const retryAfter = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  throw new ApiError(response.status, await problemOf(response), Number.isNaN(retryAfter) ? null : retryAfter);
}

async function authorised(method: string, url: string, body?: unknown): Promise<Response> {
  try {
    return await send(method, url, body);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) onSessionExpired();
    throw error;
  }
}

async function get<T>(path: string, query?: Query): Promise<T> {
  return (await (await authorised("GET", address(path, query))).json()) as T;
}

export async function signIn(username: string, password: string): Promise<User> {
  return (await (await send("POST", address("/session"), { username, password })).json()) as User;
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
export async function operate(verb: OperatorVerb, id: string, version: number, note: string): Promise<Alert> {
  const body = note ? { version, note } : { version };
  const response = await authorised("POST", address(`/alerts/${encodeURIComponent(id)}/${verb}`), body);
  return (await response.json()) as Alert;
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
