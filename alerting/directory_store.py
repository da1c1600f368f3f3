"""The directory as the tables hold it: the policy in force, people, contacts, suppressions and the registry."""

from datetime import datetime

import structlog

from alerting import oncall_store, people_store, suppression_store
from alerting.book import Directory
from alerting.errors import PolicyInvalid
from alerting.escalation import default_policy, parse
from alerting.oncall import Roster
from alerting.people import Contact
from ingest import store as ingest_store
from ingest.database import Connection
from ingest.registry import Registry

log = structlog.get_logger("alerting.notify")


def load_directory(connection: Connection, now: datetime, registry: Registry | None = None) -> Directory:
    """Everything people set, as it stands; `registry` where it is known to be the current one. The policy that ships
    with Anhu is put in force where there is none."""
    found = oncall_store.load_policy(connection)
    if found is None:
        body = default_policy()
        oncall_store.save_policy(connection, parse(body), body, loaded_by="anhu: first start")
    else:
        body = found[0]
    try:
        policy = parse(body)
    except PolicyInvalid as error:  # loaded by another version of Anhu: better told by our ladder than not at all
        log.error("the policy in force cannot be read; the default one is used", problems=error.problems)  # noqa: TRY400
        body = default_policy()
        policy = parse(body)
    contacts: dict[int, list[Contact]] = {}
    for contact in people_store.contacts(connection):
        contacts.setdefault(contact.person_id, []).append(contact)
    return Directory(
        policy=policy,
        roster=Roster(
            {person.id: person for person in people_store.persons(connection)},
            tuple(oncall_store.rotations(connection)),
            tuple(oncall_store.stand_ins(connection, now)),
        ),
        contacts={number: tuple(ways) for number, ways in contacts.items()},
        suppressions=tuple(suppression_store.in_force_or_planned(connection, now)),
        registry=registry or ingest_store.load_registry(connection),
        policy_body=body,
    )
