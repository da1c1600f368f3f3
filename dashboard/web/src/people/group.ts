import type { Person, Scope } from "@/api/people";
import { ROLES } from "@/api/people";

export interface PeopleGroup {
  key: string;
  scope: Scope;
  people: Person[];
}

/** One text per scope: "i7" for an institution, "r2203" for a region, "r" for everywhere. */
export function scopeKey(scope: Scope): string {
  return scope.institution_id === null ? `r${scope.region}` : `i${scope.institution_id}`;
}

/** The other way round. */
export function scopeOf(key: string): Scope {
  const rest = key.slice(1);
  return key.startsWith("i") ? { institution_id: Number(rest), region: "" } : { institution_id: null, region: rest };
}

function width({ scope }: PeopleGroup): number {
  return scope.institution_id === null ? scope.region.length : 7;
}

/** People by how far they reach, the widest first; within a scope the highest role first. */
export function groupByScope(people: readonly Person[]): PeopleGroup[] {
  const groups = new Map<string, PeopleGroup>();
  for (const person of people) {
    const key = scopeKey(person.scope);
    const group = groups.get(key) ?? { key, scope: person.scope, people: [] };
    group.people.push(person);
    groups.set(key, group);
  }
  for (const group of groups.values()) {
    group.people.sort((a, b) => ROLES.indexOf(b.role) - ROLES.indexOf(a.role) || a.name.localeCompare(b.name, "zh-CN"));
  }
  return [...groups.values()].sort((a, b) => width(a) - width(b) || a.key.localeCompare(b.key, "en", { numeric: true }));
}
