import { call, type Given, type Shapes } from "./call";
import { every } from "./every";

export type Policy = Shapes["ProtectionPolicy"];
export type Protection = Shapes["ProtectionName"];
export type Share = Shapes["ProtectionShare"];
export type Lack = Shapes["ProtectionLack"];
export type Row = Shapes["ProtectionRow"];
export type Page = Shapes["ProtectionPage"];
export type Trend = Shapes["ProtectionTrend"];
/** What a concluded inspection found of a protection. */
export type Assessment = Shapes["ProtectionAssessment"];
export type Found = Shapes["ProtectionFound"];
/** `standing` "not_meant": the list is not for its kind. */
export type Detail = Shapes["ProtectionDetail"];
export type Verdict = Found["verdict"];
export type Because = Found["because"];
export type Standing = Exclude<Detail["standing"], "not_meant">;
export const STANDINGS = every<Standing>()("not_conforming", "incomplete", "conforming");

export function page(query: NonNullable<Given<"GET", "/api/protections">["query"]>): Promise<Page> {
  return call("GET", "/api/protections", { query });
}

export function trend(query: { region?: string; months: number }): Promise<Trend> {
  return call("GET", "/api/protections/trend", { query });
}

export function detail(id: number): Promise<Detail> {
  return call("GET", "/api/protections/{institution_id}", { path: { institution_id: id } });
}
