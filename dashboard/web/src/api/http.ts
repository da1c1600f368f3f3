import type { Problem } from "./contract";

const REQUEST_TIMEOUT_MS = 15_000;
/** A photo over a phone's weak connection. */
const UPLOAD_TIMEOUT_MS = 120_000;

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

export type Query = Record<string, string | number | boolean | null | undefined>;

/** The address of a path with its query; parameters that are empty, null or undefined are left out. */
export function withQuery(path: string, query?: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `${path}${text ? `?${text}` : ""}`;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return (await response.json()) as Problem;
  } catch {
    return { status: response.status, title: response.statusText };
  }
}

/** One request, whatever it means for the session; a Blob is sent as it is. Rejects with ApiError. */
export async function send(method: string, url: string, body?: unknown): Promise<Response> {
  const init: RequestInit = {
    method,
    credentials: "same-origin",
    headers: { Accept: "application/json" },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  };
  if (body instanceof Blob) {
    init.body = body;
    init.signal = AbortSignal.timeout(UPLOAD_TIMEOUT_MS);
    init.headers = { Accept: "application/json", "Content-Type": "application/octet-stream" };
  } else if (body !== undefined) {
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

/** A 401 about the password or code that was typed says nothing of the session. */
const TYPED_WRONG = /:wrong-(credentials|code)$/;

/** One request of somebody signed in: a 401 ends the session here too. */
export async function authorised(method: string, url: string, body?: unknown): Promise<Response> {
  try {
    return await send(method, url, body);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401 && !TYPED_WRONG.test(error.problem.type ?? "")) onSessionExpired();
    throw error;
  }
}
