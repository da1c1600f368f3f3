import type { Role, Scope } from "@/api/people";
import { ROLES } from "@/api/people";

/** Whom somebody may appoint: roles that permit nothing that their own does not, as the server judges it. */
const BELOW: Record<Role, readonly Role[]> = {
  administrator: ROLES,
  supervisor: ["supervisor", "inspector", "expert"],
  institution_manager: ["operator", "safety_officer", "institution_manager", "inspector", "expert"],
  safety_officer: [],
  operator: [],
  inspector: [],
  expert: [],
  auditor: [],
};

export function grantableRoles(own: Role): readonly Role[] {
  return BELOW[own];
}

/** Whether `scope` lies within `own`; `region` is that of the scope's institution, where it is one. */
export function within(scope: Scope, own: Scope, region: string): boolean {
  if (own.institution_id !== null) return scope.institution_id === own.institution_id;
  return (scope.institution_id !== null ? region : scope.region).startsWith(own.region);
}

/** The regions that can be chosen: one's own and those of the institutions within, from wide to narrow. */
export function regionsWithin(own: Scope, institutionRegions: readonly string[]): string[] {
  if (own.institution_id !== null) return [];
  const codes = institutionRegions.flatMap((code) => [2, 4, 6].map((length) => code.slice(0, length)));
  const inside = codes.filter((code) => code.startsWith(own.region) && code.length >= own.region.length);
  return [...new Set([own.region, ...inside])].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

/** Whether somebody of `own` role and scope may change a person of `role` and `scope`. */
export function mayManage(role: Role, scope: Scope, own: Role, ownScope: Scope, region: string): boolean {
  return grantableRoles(own).includes(role) && within(scope, ownScope, region);
}
