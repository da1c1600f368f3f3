import { authorised, send, withQuery, type Query } from "./http";
import type { components, paths } from "./schema";

/** The shapes of the OpenAPI document, by their names. */
export type Shapes = components["schemas"];

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Operation<M extends Method, P extends keyof paths> = paths[P][Lowercase<M> & keyof paths[P]];
/** The routes that have this method. */
export type Route<M extends Method> = {
  [P in keyof paths]: Operation<M, P> extends { responses: unknown } ? P : never;
}[keyof paths];

type Media<Content> = Content extends { "application/json": infer Body } ? Body : Blob;
type Told<O> = O extends { requestBody: { content: infer Content } }
  ? { body: Media<Content> }
  : O extends { requestBody?: { content: infer Content } }
    ? { body?: Media<Content> }
    : { body?: never };
type Asked<O> = O extends { parameters: infer P } ? Pick<P, keyof P & ("path" | "query")> : never;
/** What a route wants: the parameters of its path and its query, and its body. */
export type Given<M extends Method, P extends Route<M>> = Asked<Operation<M, P>> & Told<Operation<M, P>>;
type Rest<G> = Record<string, never> extends G ? [given?: G] : [given: G];

type Success<Responses> = { [S in keyof Responses]: S extends 200 | 201 | 204 ? Responses[S] : never }[keyof Responses];
/** What a route answers. */
export type Answer<M extends Method, P extends Route<M>> =
  Operation<M, P> extends { responses: infer Responses }
    ? Success<Responses> extends { content: { "application/json": infer Body } } ? Body : void
    : never;

interface Loose {
  path?: Record<string, string | number>;
  query?: Query;
  body?: unknown;
}

function loose([given]: [unknown?]): Loose {
  return (given ?? {}) as Loose;
}

function filled(route: string, { path = {}, query }: Loose): string {
  return withQuery(route.replace(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(String(path[name]))), query);
}

async function made(response: Response): Promise<unknown> {
  return response.status === 204 ? undefined : await response.json();
}

/** One request of somebody signed in, by the route's own name in the OpenAPI document. Rejects with ApiError. */
export async function call<M extends Method, P extends Route<M>>(
  method: M, route: P, ...given: Rest<Given<M, P>>
): Promise<Answer<M, P>> {
  const { body, ...parameters } = loose(given);
  return (await made(await authorised(method, filled(route, parameters), body))) as Answer<M, P>;
}

/** As `call`, of anybody: a 401 says nothing of a session. */
export async function callOpenly<M extends Method, P extends Route<M>>(
  method: M, route: P, ...given: Rest<Given<M, P>>
): Promise<Answer<M, P>> {
  const { body, ...parameters } = loose(given);
  return (await made(await send(method, filled(route, parameters), body))) as Answer<M, P>;
}

/** The address of what a browser fetches itself: a picture, a file. */
export function addressOf<P extends Route<"GET">>(route: P, ...given: Rest<Given<"GET", P>>): string {
  return filled(route, loose(given));
}

/** The acts on a thing: the POST routes below `Base`, each by the rest of its route and with its body. */
export type Act<Base extends string> = {
  [P in Route<"POST">]: P extends `${Base}${infer Tail}` ? [act: Tail, body: Given<"POST", P>["body"]] : never;
}[Route<"POST">];
/** The same where the version that was seen is told apart. */
export type Unversioned<A> = A extends [infer Tail, infer Body] ? [act: Tail, body: Omit<Body, "version">] : never;

/** Does one of them. All of a thing's acts answer its new state. */
export async function act<Base extends string>(
  base: Base, path: Record<string, string>, [tail, body]: Act<Base>,
): Promise<Answer<"POST", Extract<Route<"POST">, `${Base}${string}`>>> {
  return (await made(await authorised("POST", filled(`${base}${tail}`, { path }), body))) as never;
}
