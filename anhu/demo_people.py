"""Whom the demo tells: a few people in some of the simulated institutions, marked as the demo's.

Their phones and passwords are of this start; who watches sees an alert go from the desk to the county.
"""

from collections.abc import Callable
from datetime import datetime, time
from typing import Final, NamedTuple

from alerting import oncall_store, people_store
from alerting.escalation import CHINA
from alerting.oncall import Rotation
from alerting.people import Person, Role, Scope
from anhu.language import text
from dashboard import auth, store
from ingest import directory
from ingest.database import Connection

ACTOR: Final = "anhu: demo"
HOUSES_MAX: Final = 3
_SHIFTS: Final = (time(8), time(20))
# (name, role, user name in the first institution, where the fire burns)
_STAFF: Final = (
    ("演示·值班员甲", Role.OPERATOR, "zhiban"),
    ("演示·值班员乙", Role.OPERATOR, "zhiban2"),
    ("演示·安全员", Role.SAFETY_OFFICER, "anquan"),
    ("演示·院长", Role.INSTITUTION_MANAGER, "yuanzhang"),
)
_SUPERVISOR: Final = ("演示·县监管员", Role.SUPERVISOR, "jianguan")


class SignIn(NamedTuple):
    """With what somebody of the demo signs in; the password is kept nowhere else."""

    username: str
    password: str
    who: str


class Told(NamedTuple):
    """The demo's people: how some of them sign in, and whose each phone is."""

    sign_ins: list[SignIn]
    owners: dict[int, str]


def seed(connection: Connection, address: Callable[[int], str], now: datetime) -> Told:
    """Add who is missing, and give everybody a phone (`address` by person) and a new password; in the caller's
    transaction."""
    told = Told([], {})
    houses = sorted(directory.institutions(connection), key=lambda each: each.id)[:HOUSES_MAX]
    for number, house in enumerate(houses):
        scope, turns = Scope(house.id), []
        for name, role, username in _STAFF:
            who = _person(connection, name, role, scope)
            _reach(connection, who, address, told, house.name)
            if role is Role.OPERATOR:
                turns.append(who.id)
            if number == 0:
                told.sign_ins.append(_sign_in(connection, who, username, house.name))
        _rotation(connection, scope, turns, now)
    for number, region in enumerate(dict.fromkeys(house.region[:6] for house in houses if len(house.region) >= 6)):
        name, role, username = _SUPERVISOR
        who = _person(connection, name, role, Scope(region=region))
        _reach(connection, who, address, told, region)
        if number == 0:
            told.sign_ins.append(_sign_in(connection, who, username, region))
    for who in people_store.persons(connection):
        if who.role is Role.ADMINISTRATOR and who.active:
            _reach(connection, who, address, told, text("全部", "everywhere"))
    return told


def _person(connection: Connection, name: str, role: Role, scope: Scope) -> Person:
    for known in people_store.persons(connection):
        if (known.name, known.role, known.scope) == (name, role, scope):
            return known
    return people_store.save_person(connection, actor=ACTOR, who=Person(0, name, role, scope))


def _reach(connection: Connection, who: Person, address: Callable[[int], str], told: Told, place: str) -> None:
    people_store.replace_contacts(connection, actor=ACTOR, who=who, ways=[("webhook", address(who.id))])
    told.owners[who.id] = f"{who.name}（{place}）"


def _sign_in(connection: Connection, who: Person, username: str, place: str) -> SignIn:
    password = auth.readable_password()
    known = store.user_of(connection, who.id)
    if known is None:
        store.insert_user(connection, username, who.id, auth.hash_password(password), one_time=False)
    else:
        username = known.username
        store.set_password_hash(connection, known.id, auth.hash_password(password), one_time=False)
        store.delete_sessions_of(connection, known.id)
    return SignIn(username, password, f"{who.name}（{place}）")


def _rotation(connection: Connection, scope: Scope, members: list[int], now: datetime) -> None:
    """Twelve-hour shifts in turn, unless somebody has made another rotation there."""
    if oncall_store.rotation_of(connection, Role.OPERATOR, scope) is None:
        begun = now.astimezone(CHINA).date()
        wanted = Rotation(0, "演示·值班表", Role.OPERATOR, scope, tuple(members), begun, _SHIFTS, 1)
        oncall_store.put_rotation(connection, wanted, replaces=None, actor=ACTOR)
