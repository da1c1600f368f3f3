"""The directory as bytes, for deciding while the database is away. It holds the contacts' addresses, which are secrets:
alerting/journal.py keeps it in a file that only its owner can read."""

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from alerting.book import Directory
from alerting.escalation import parse
from alerting.oncall import Roster, Rotation, StandIn
from alerting.people import Contact, Person
from alerting.suppression import Suppression
from ingest import registry_cache


@dataclass(frozen=True, slots=True, repr=False)
class _Kept:
    policy: str
    persons: tuple[Person, ...]
    rotations: tuple[Rotation, ...]
    stand_ins: tuple[StandIn, ...]
    contacts: tuple[tuple[Contact, ...], ...]
    suppressions: tuple[Suppression, ...]


_FORM: Final = TypeAdapter(_Kept)


def dump(directory: Directory) -> bytes:
    """What people set: all of the directory but the registry, which changes less often and is much longer."""
    roster = directory.roster
    kept = _Kept(
        directory.policy_body,
        tuple(roster.persons.values()),
        tuple(roster.rotations),
        tuple(roster.stand_ins),
        tuple(directory.contacts.values()),
        tuple(directory.suppressions),
    )
    return _FORM.dump_json(kept)


def load(body: bytes, registry: bytes) -> Directory:
    """What `dump` was given, with a registry as registry_cache keeps it. Raises PolicyInvalid, ValueError for what
    another version of Anhu wrote."""
    kept = _FORM.validate_json(body)
    return Directory(
        policy=parse(kept.policy),
        roster=Roster({person.id: person for person in kept.persons}, kept.rotations, kept.stand_ins),
        contacts={ways[0].person_id: ways for ways in kept.contacts if ways},
        suppressions=kept.suppressions,
        registry=registry_cache.load(registry),
        policy_body=kept.policy,
    )
