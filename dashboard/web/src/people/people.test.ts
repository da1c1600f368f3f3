import { expect, it } from "vitest";
import type { Person, Role, Scope } from "@/api/people";
import { regionName } from "@/format/region";
import { grantableRoles, mayManage, regionsWithin, within } from "./grant";
import { groupByScope, scopeKey, scopeOf } from "./group";
import { passwordFault } from "./password";

const everywhere: Scope = { institution_id: null, region: "" };
const county: Scope = { institution_id: null, region: "220322" };
const house: Scope = { institution_id: 7, region: "" };

it("offers no role that permits more than one's own", () => {
  expect(grantableRoles("supervisor")).not.toContain("operator");
  expect(grantableRoles("institution_manager")).toContain("operator");
  expect(grantableRoles("operator")).toEqual([]);
});

it("knows which scope lies within which", () => {
  expect(within(house, county, "220322")).toBe(true);
  expect(within(house, county, "220323")).toBe(false);
  expect(within(county, everywhere, "")).toBe(true);
  expect(within(everywhere, county, "")).toBe(false);
  expect(within(house, house, "220322")).toBe(true);
  expect(within(county, house, "")).toBe(false);
});

it("lets nobody change a person of a higher role or a wider scope", () => {
  expect(mayManage("operator", house, "institution_manager", house, "220322")).toBe(true);
  expect(mayManage("administrator", house, "institution_manager", house, "220322")).toBe(false);
  expect(mayManage("inspector", everywhere, "supervisor", county, "")).toBe(false);
});

it("offers the regions within one's own, from wide to narrow", () => {
  expect(regionsWithin(everywhere, ["220322", "220323"])).toEqual(["", "22", "2203", "220322", "220323"]);
  expect(regionsWithin(county, ["220322"])).toEqual(["220322"]);
  expect(regionsWithin(house, ["220322"])).toEqual([]);
});

it("groups people by scope, in the order in which they come", () => {
  const person = (id: number, role: Role, scope: Scope): Person => ({ id, name: String(id), role, scope } as Person);
  const groups = groupByScope([person(2, "supervisor", county), person(3, "institution_manager", house), person(1, "operator", house)]);
  expect(groups.map(({ key, people }) => [key, people.map(({ id }) => id)])).toEqual([["r220322", [2]], ["i7", [3, 1]]]);
});

it.each([everywhere, county, house])("writes the scope %o as a key and back", (scope) => expect(scopeOf(scopeKey(scope))).toEqual(scope));

it("names regions by their province", () => {
  expect(regionName("22", false)).toBe("吉林省");
  expect(regionName("220322", true)).toBe("Jilin 220322");
  expect(regionName("99", false)).toBe("99");
});

it.each([
  ["short", "short", "tooShort"], ["long enough 1", "long enough 2", "differs"], ["long enough 1", "long enough 1", null],
] as const)("of %s and %s says %s", (next, again, fault) => expect(passwordFault(next, again)).toBe(fault));
