import type { Person, Scope } from "@/api/people";

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

/** People by their scope, in the order in which they come: the server sends the widest scope first. */
export function groupByScope(people: readonly Person[]): PeopleGroup[] {
  const groups = new Map<string, PeopleGroup>();
  for (const person of people) {
    const key = scopeKey(person.scope);
    const group = groups.get(key) ?? { key, scope: person.scope, people: [] };
    group.people.push(person);
    groups.set(key, group);
  }
  return [...groups.values()];
}
