"""What a person may let a program do in their name. Pure.

A scope names areas of the API and the rights used there. It only ever takes away: what a token may do is what its
person may do at that moment, and of that what its scopes say. Accounts, people, passwords and tokens are in no scope's
areas, so no token reaches them; nor does a new area before somebody writes it here.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alerting.people import RIGHTS, Right, Role


class TokenScope(StrEnum):
    """A group of things a token may do."""

    ALERTS_READ = "alerts:read"
    ALERTS_OPERATE = "alerts:operate"
    INSTITUTIONS_READ = "institutions:read"
    HAZARDS_READ = "hazards:read"
    INSPECTIONS_READ = "inspections:read"
    RATINGS_READ = "ratings:read"
    EXPORT_READ = "export:read"


@dataclass(frozen=True, slots=True)
class _Reach:
    """Areas are first parts of paths below /api; "live" is the websocket."""

    areas: frozenset[str]
    rights: frozenset[Right]
    methods: frozenset[str] = frozenset({"GET"})


def _reach(areas: str, *rights: Right, methods: str = "GET") -> _Reach:
    return _Reach(frozenset(areas.split()), frozenset(rights), frozenset(methods.split()))


_REACH: Final[dict[TokenScope, _Reach]] = {
    TokenScope.ALERTS_READ: _reach("alerts suppressions live", Right.VIEW),
    TokenScope.ALERTS_OPERATE: _reach("alerts", Right.ACKNOWLEDGE, Right.RESET, Right.COMMENT, methods="POST"),
    TokenScope.INSTITUTIONS_READ: _reach("institutions devices", Right.VIEW),
    TokenScope.HAZARDS_READ: _reach("hazards", Right.VIEW),
    TokenScope.INSPECTIONS_READ: _reach("inspections campaigns checklists", Right.VIEW),
    TokenScope.RATINGS_READ: _reach("ratings", Right.VIEW),
    TokenScope.EXPORT_READ: _reach("export", Right.VIEW),
}


def known(values: Iterable[str]) -> frozenset[TokenScope]:
    """The scopes that `values` name. One of a newer version that is gone after a return to this one opens nothing."""
    return frozenset(scope for scope in TokenScope if scope.value in set(values))


def offered(role: Role) -> list[TokenScope]:
    """The scopes somebody of `role` may give a token: those of which they hold a right themselves.

    >>> TokenScope.ALERTS_OPERATE in offered(Role.OPERATOR), TokenScope.ALERTS_READ in offered(Role.EXPERT)
    (True, True)
    """
    return [scope for scope, reach in _REACH.items() if reach.rights & RIGHTS[role]]


def permitted(scopes: Collection[TokenScope], role: Role, method: str, path: str) -> frozenset[Right]:
    """The rights a token with `scopes` of somebody who is now of `role` has for a request; none: it is refused.

    >>> permitted([TokenScope.ALERTS_READ], Role.ADMINISTRATOR, "GET", "/api/alerts/7")
    frozenset({<Right.VIEW: 'view'>})
    >>> permitted(list(TokenScope), Role.ADMINISTRATOR, "GET", "/api/people")
    frozenset()
    """
    area = path.removeprefix("/api").strip("/").partition("/")[0]
    reaches = [_REACH[scope] for scope in scopes]
    named = frozenset[Right]().union(
        *(reach.rights for reach in reaches if area in reach.areas and method in reach.methods)
    )
    return named & RIGHTS[role]
