"""Policies, rotations and stand-ins in the database."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import structlog

from alerting import people_store
from alerting.errors import PolicyInvalid, RotationRefused, RotationUnknown, StaleVersion, StandInRefused
from alerting.escalation import Policy, default_policy, parse
from alerting.ledger_store import record_act
from alerting.oncall import Roster, Rotation, StandIn, membership_problem, stand_in_problem
from alerting.people import Role, Scope
from ingest import directory
from ingest.database import Connection

log = structlog.get_logger(__name__)


def load_policy(connection: Connection) -> tuple[str, str] | None:
    """The policy in force as (TOML text, sha256), None before the first was loaded."""
    row = connection.execute("SELECT body, sha256 FROM escalation_policies ORDER BY id DESC LIMIT 1").fetchone()
    return (str(row[0]), str(row[1])) if row else None


def save_policy(connection: Connection, policy: Policy, body: str, *, loaded_by: str) -> bool:
    """Put a policy in force, in the caller's transaction; False when the newest one is this very text."""
    connection.execute("LOCK TABLE escalation_policies IN SHARE ROW EXCLUSIVE MODE")
    newest = load_policy(connection)
    if newest is not None and newest[1] == policy.sha256:
        return False
    row = connection.execute(
        "INSERT INTO escalation_policies (version, sha256, body, loaded_by) VALUES (%s, %s, %s, %s) RETURNING id",
        (policy.version, policy.sha256, body, loaded_by),
    ).fetchone()
    record_act(
        connection, actor=loaded_by, verb="load_policy", subject=f"policy:{row[0] if row else ''}", institution_id=None,
        body={"version": policy.version, "sha256": policy.sha256},
    )  # fmt: skip
    return True


def policy_in_force(connection: Connection) -> Policy:
    """The policy the notifier goes by."""
    return _parsed(policy_text_in_force(connection))


def policy_text_in_force(connection: Connection) -> str:
    """Its text: of the policy that ships with Anhu where none was loaded, or none that can be read."""
    found = load_policy(connection)
    body = found[0] if found else default_policy()
    try:
        _parsed(body)
    except PolicyInvalid as error:  # loaded by another version of Anhu: better told by our ladder than not at all
        log.error("the policy in force cannot be read; the default one is used", problems=error.problems)  # noqa: TRY400
        return default_policy()
    return body


@lru_cache(maxsize=4)
def _parsed(body: str) -> Policy:
    return parse(body)


def roster(connection: Connection, now: datetime, *, reachable: bool = False) -> Roster:
    """Everybody who can be told, and who takes turns; with `reachable` only those with a way to reach them."""
    persons = {person.id: person for person in people_store.persons(connection)}
    if reachable:
        known = people_store.reachable(connection)
        persons = {number: person for number, person in persons.items() if number in known}
    return Roster(persons, tuple(rotations(connection)), tuple(stand_ins(connection, now)))


def rotations(connection: Connection) -> list[Rotation]:
    """The rotations in use, by id."""
    rows = connection.execute(
        "SELECT id, name, role, institution_id, region, members, anchor, starts, shifts_per_turn FROM rotations"
        " WHERE enabled ORDER BY id"
    )
    return [
        Rotation(number, name, Role(role), Scope(institution_id, region), tuple(members), anchor, tuple(starts), shifts)
        for number, name, role, institution_id, region, members, anchor, starts, shifts in rows
    ]


def rotation(connection: Connection, number: int) -> Rotation:
    """The rotation in use with that id. Raises RotationUnknown."""
    found = next((each for each in rotations(connection) if each.id == number), None)
    if found is None:
        raise RotationUnknown(f"there is no rotation {number} in use")
    return found


def put_rotation(connection: Connection, wanted: Rotation, *, replaces: int | None, actor: str) -> int:
    """Put a rotation in use for its role and place, in the caller's transaction; its id.

    `replaces` is the id of the one the person saw there, None where they saw none: whoever else has changed it
    meanwhile is not overwritten. Raises StaleVersion, RotationRefused.
    """
    connection.execute("LOCK TABLE rotations IN SHARE ROW EXCLUSIVE MODE")
    in_use = rotation_of(connection, wanted.role, wanted.scope)
    if (in_use.id if in_use else None) != replaces:
        raise StaleVersion(
            f"the rotation there is number {in_use.id} by now" if in_use else "the rotation there has ended meanwhile"
        )
    problem = membership_problem(wanted, {person.id: person for person in people_store.persons(connection)})
    if problem:
        raise RotationRefused(problem)
    connection.execute("UPDATE rotations SET enabled = false WHERE id = %s", (replaces,))
    row = connection.execute(
        "INSERT INTO rotations (name, role, institution_id, region, members, anchor, starts, shifts_per_turn)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            wanted.name, wanted.role, wanted.scope.institution_id, wanted.scope.region, list(wanted.members),
            wanted.anchor, list(wanted.starts), wanted.shifts_per_turn,
        ),
    ).fetchone()  # fmt: skip
    number = int(row[0]) if row else 0
    _note(connection, "put_rotation", f"rotation:{number}", wanted.scope, actor, {
        "name": wanted.name, "role": wanted.role.value, "region": wanted.scope.region,
        "members": list(wanted.members), "anchor": wanted.anchor.isoformat(),
        "starts": [each.isoformat("minutes") for each in wanted.starts], "shifts_per_turn": wanted.shifts_per_turn,
        "replaces": replaces,
    })  # fmt: skip
    return number


def rotation_of(connection: Connection, role: Role, scope: Scope) -> Rotation | None:
    """The rotation in use for a role at a place."""
    return next((each for each in rotations(connection) if (each.role, each.scope) == (role, scope)), None)


def end_rotation(connection: Connection, number: int, *, actor: str) -> None:
    """Use a rotation no longer: everybody of the role is told. Raises RotationUnknown where somebody has ended or
    replaced it already."""
    connection.execute("LOCK TABLE rotations IN SHARE ROW EXCLUSIVE MODE")
    ended = rotation(connection, number)
    connection.execute("UPDATE rotations SET enabled = false WHERE id = %s", (number,))
    _note(connection, "end_rotation", f"rotation:{number}", ended.scope, actor, {"role": ended.role.value})


_STAND_IN: Final = "SELECT id, absent_id, stand_in_id, from_at, until_at FROM stand_ins WHERE ended_at IS NULL"


def stand_ins(connection: Connection, now: datetime) -> list[StandIn]:
    """Those that hold or will, the newest first."""
    rows = connection.execute(f"{_STAND_IN} AND until_at > %s ORDER BY id DESC", (now,))
    return [StandIn(*row) for row in rows]


def stand_in(connection: Connection, number: int, now: datetime) -> StandIn:
    """One that holds or will. Raises RotationUnknown."""
    found = next((each for each in stand_ins(connection, now) if each.id == number), None)
    if found is None:
        raise RotationUnknown(f"nobody stands in under the number {number} any more")
    return found


def add_stand_in(connection: Connection, wanted: StandIn, *, actor: str, now: datetime) -> int:
    """Let somebody be told in another's place, in the caller's transaction; its id. Raises StandInRefused, also where
    somebody stands in for that person then already."""
    connection.execute("LOCK TABLE stand_ins IN SHARE ROW EXCLUSIVE MODE")
    persons = {person.id: person for person in people_store.persons(connection)}
    regions = {each.id: each.region for each in directory.institutions(connection)}
    problem = stand_in_problem(wanted, persons, regions, stand_ins(connection, now), now)
    if problem:
        raise StandInRefused(problem)
    row = connection.execute(
        "INSERT INTO stand_ins (absent_id, stand_in_id, from_at, until_at, actor)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id",
        (wanted.absent_id, wanted.stand_in_id, wanted.from_at, wanted.until_at, actor),
    ).fetchone()
    number = int(row[0]) if row else 0
    _note(connection, "add_stand_in", f"stand_in:{number}", persons[wanted.absent_id].scope, actor, {
        "absent_id": wanted.absent_id, "stand_in_id": wanted.stand_in_id, "from_at": wanted.from_at.isoformat(),
        "until_at": wanted.until_at.isoformat(),
    })  # fmt: skip
    return number


def end_stand_in(connection: Connection, number: int, *, actor: str, now: datetime) -> None:
    """Let the absent person be told again from `now`. Raises RotationUnknown where it is over already."""
    connection.execute("LOCK TABLE stand_ins IN SHARE ROW EXCLUSIVE MODE")
    ended = stand_in(connection, number, now)
    connection.execute("UPDATE stand_ins SET ended_at = %s WHERE id = %s", (now, number))
    absent = people_store.person(connection, ended.absent_id)
    scope = absent.scope if absent else Scope()
    _note(connection, "end_stand_in", f"stand_in:{number}", scope, actor, {"absent_id": ended.absent_id})


def _note(connection: Connection, verb: str, subject: str, scope: Scope, actor: str, body: Mapping[str, Any]) -> None:
    record_act(
        connection, actor=actor, verb=verb, subject=subject, institution_id=scope.institution_id, body=body
    )  # fmt: skip
