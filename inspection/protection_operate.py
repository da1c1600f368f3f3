"""Where institutions stand with the nine protections, read from the records in the caller's transaction; whether the
reader may see them is the caller's to ask."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from ingest.database import Connection
from inspection import protection, protection_policy, protection_store
from inspection.errors import ProtectionPolicyInvalid
from inspection.notice import CHINA
from inspection.protection import Assessment, Conformity, Place, Share
from inspection.protection_policy import Policy

log = structlog.get_logger("inspection.protection_operate")


@dataclass(frozen=True, slots=True)
class Overview:
    """Where institutions stand at one moment, and the policy by which that was judged."""

    policy: Policy
    places: list[Place]
    known: dict[int, Conformity]

    @property
    def share(self) -> Share:
        """Of all of them."""
        return protection.share(self.known.values())


def policy_in_force(connection: Connection) -> Policy:
    """The policy that counts now; the one that ships with Anhu where none was loaded, or where the one in force cannot
    be read by this version."""
    found = protection_store.load_policy(connection)
    if found is None:
        return protection_policy.default_policy()
    try:
        return protection_policy.parse(found)
    except ProtectionPolicyInvalid as error:
        log.error("the policy of the nine protections cannot be read; the default is used", problems=error.problems)  # noqa: TRY400
        return protection_policy.default_policy()


def overview(connection: Connection, within: Collection[int] | None, at: datetime) -> Overview:
    """Where these institutions (None: all) stood at `at`."""
    policy = policy_in_force(connection)
    places = protection_store.places(connection, within)
    records = protection_store.assessments(connection, within, at, newest=True)
    known = {
        each.institution_id: protection.conformity(
            each.institution_id, records.get(each.institution_id, ()), at, policy
        )
        for each in places
    }
    return Overview(policy, places, known)


def one(
    connection: Connection, institution_id: int, at: datetime
) -> tuple[Policy, Conformity | None, list[Assessment]]:
    """Where an institution stood at `at`, and everything ever found of it, the newest first. No conformity for one that
    the list is not for."""
    policy = policy_in_force(connection)
    records = protection_store.assessments(connection, [institution_id], at).get(institution_id, [])
    if not protection_store.places(connection, [institution_id]):
        return policy, None, records[::-1]
    return policy, protection.conformity(institution_id, records, at, policy), records[::-1]


def trend(
    connection: Connection, within: Collection[int] | None, now: datetime, months: int
) -> list[tuple[datetime, Share]]:
    """The share at the end of each of the last `months` months, the running one as it stands now."""
    ends = [*month_ends(now, months - 1), now]
    policy = policy_in_force(connection)
    since = ends[0] - timedelta(days=policy.valid_days)
    records = protection_store.assessments(connection, within, now, since=since)
    return protection.trend(protection_store.places(connection, within), records, ends, policy)


def month_ends(now: datetime, count: int) -> list[datetime]:
    """The ends of the `count` months before the running one, in China, the oldest first.

    >>> from datetime import UTC
    >>> [str(each) for each in month_ends(datetime(2026, 1, 31, 20, tzinfo=UTC), 2)]
    ['2026-01-01 00:00:00+08:00', '2026-02-01 00:00:00+08:00']
    """
    day = now.astimezone(CHINA).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ends: list[datetime] = []
    for _ in range(count):
        ends.append(day)
        day = (day - timedelta(days=1)).replace(day=1)
    return ends[::-1]
