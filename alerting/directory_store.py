"""The directory as the tables hold it: the policy in force, people, contacts, suppressions and the registry."""

from datetime import datetime
from typing import Final, NamedTuple

from alerting import oncall_store, people_store, suppression_store
from alerting.book import Directory
from alerting.escalation import default_policy, parse
from alerting.people import Contact
from ingest import store as ingest_store
from ingest.database import Connection
from ingest.registry import Registry

# Of acts: what they are about, where that is part of the directory. Others, of hazards and visits, come all day.
SUBJECTS: Final = ("person", "policy", "rotation", "stand_in", "suppression")


class Standing(NamedTuple):
    """How far the tables have got: the newest act, and the registry's version."""

    act: int
    registry: int


def standing(connection: Connection) -> Standing:
    """To be asked before the directory is loaded: what changes meanwhile is then seen to have changed."""
    row = connection.execute(
        "SELECT (SELECT coalesce(max(id), 0) FROM acts), (SELECT version FROM registry_version)"
    ).fetchone()
    return Standing(*row) if row else Standing(0, 0)


def changed(connection: Connection, since: Standing) -> tuple[Standing, bool]:
    """How far they have got by now, and whether people have changed any of the directory since then."""
    row = connection.execute(
        "SELECT coalesce(max(id), %(act)s), coalesce(bool_or(split_part(subject, ':', 1) = ANY(%(subjects)s)), false),"
        " (SELECT version FROM registry_version) FROM acts WHERE id > %(act)s",
        {"act": since.act, "subjects": list(SUBJECTS)},
    ).fetchone()
    return (Standing(row[0], row[2]), row[1]) if row else (since, False)


def load_directory(connection: Connection, now: datetime, registry: Registry | None = None) -> Directory:
    """Everything people set, as it stands; `registry` where its places are known to be the current ones. The policy
    that ships with Anhu is put in force where there is none."""
    if oncall_store.load_policy(connection) is None:
        default = default_policy()
        oncall_store.save_policy(connection, parse(default), default, loaded_by="anhu: first start")
    body = oncall_store.policy_text_in_force(connection)
    contacts: dict[int, list[Contact]] = {}
    for contact in people_store.contacts(connection):
        contacts.setdefault(contact.person_id, []).append(contact)
    return Directory(
        policy=parse(body),
        roster=oncall_store.roster(connection, now),
        contacts={number: tuple(ways) for number, ways in contacts.items()},
        suppressions=tuple(suppression_store.in_force_or_planned(connection, now)),
        registry=registry or ingest_store.load_places(connection),
        policy_body=body,
    )
