"""Policies, rotations and stand-ins in the database."""

from datetime import datetime

from alerting.errors import RotationRefused
from alerting.escalation import Policy
from alerting.ledger_store import record_act
from alerting.oncall import Rotation, StandIn
from alerting.people import Role, Scope
from ingest.database import Connection


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


def add_rotation(connection: Connection, wanted: Rotation, *, actor: str) -> int:
    """Put a rotation in use, in place of the one of the same role and scope; its id. Raises RotationRefused."""
    known = connection.execute(
        "SELECT count(*) FROM persons WHERE id = ANY(%s) AND role = %s", (list(wanted.members), wanted.role)
    ).fetchone()
    if known is None or known[0] != len(set(wanted.members)):
        raise RotationRefused(f"every member must be a person with the role {wanted.role}")
    connection.execute(
        "UPDATE rotations SET enabled = false WHERE enabled AND role = %s AND institution_id IS NOT DISTINCT FROM %s"
        " AND region = %s",
        (wanted.role, wanted.scope.institution_id, wanted.scope.region),
    )
    row = connection.execute(
        "INSERT INTO rotations (name, role, institution_id, region, members, anchor, starts, shifts_per_turn)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            wanted.name, wanted.role, wanted.scope.institution_id, wanted.scope.region, list(wanted.members),
            wanted.anchor, list(wanted.starts), wanted.shifts_per_turn,
        ),
    ).fetchone()  # fmt: skip
    number = int(row[0]) if row else 0
    record_act(
        connection, actor=actor, verb="add_rotation", subject=f"rotation:{number}",
        institution_id=wanted.scope.institution_id,
        body={"role": wanted.role.value, "region": wanted.scope.region, "members": list(wanted.members)},
    )  # fmt: skip
    return number


def stand_ins(connection: Connection, now: datetime) -> list[StandIn]:
    """Those that hold or will, the newest first."""
    rows = connection.execute(
        "SELECT id, absent_id, stand_in_id, from_at, until_at FROM stand_ins WHERE until_at > %s ORDER BY id DESC",
        (now,),
    )
    return [StandIn(*row) for row in rows]


def add_stand_in(connection: Connection, wanted: StandIn, *, actor: str) -> int:
    """Let somebody be told in another's place; its id."""
    row = connection.execute(
        "INSERT INTO stand_ins (absent_id, stand_in_id, from_at, until_at, actor)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id",
        (wanted.absent_id, wanted.stand_in_id, wanted.from_at, wanted.until_at, actor),
    ).fetchone()
    number = int(row[0]) if row else 0
    record_act(
        connection, actor=actor, verb="add_stand_in", subject=f"stand_in:{number}", institution_id=None,
        body={
            "absent_id": wanted.absent_id, "stand_in_id": wanted.stand_in_id, "from_at": wanted.from_at.isoformat(),
            "until_at": wanted.until_at.isoformat(),
        },
    )  # fmt: skip
    return number
