"""The directory as the tables hold it: the policy in force, people, contacts, suppressions and the registry."""

from datetime import datetime

from alerting import oncall_store, people_store, suppression_store
from alerting.book import Directory
from alerting.escalation import default_policy, parse
from alerting.people import Contact
from ingest import store as ingest_store
from ingest.database import Connection
from ingest.registry import Registry


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
