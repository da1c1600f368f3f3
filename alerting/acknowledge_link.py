"""Links with which a person acknowledges an alert without signing in: good for one person and the alerts of one push,
once for each alert, and for a short time. Only a hash of the token is stored.

Looking changes nothing: chat programs fetch links beforehand. Only pressing the button acknowledges.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from alerting import alert as alerts
from alerting import outbox_store, store
from alerting.alert import Alert, Verb
from alerting.errors import IllegalVerb, LinkRefused
from alerting.people import Person, Right
from alerting.people_store import person
from ingest.database import Connection

_TOKEN_BYTES: Final = 32
_TOKEN_CHARS_MAX: Final = 100
PATH: Final = "/a/"


@dataclass(frozen=True, slots=True)
class Link:
    """What a token stands for. `used` are the alerts it has acknowledged."""

    push_id: UUID
    person: Person
    expires_at: datetime
    used: frozenset[UUID]


@dataclass(frozen=True, slots=True, repr=False)
class NewLink:
    """A token that was just drawn. It is a secret, kept only in the message."""

    token: str
    token_sha256: str  # hex
    push_id: UUID
    person_id: int
    made_at: datetime
    expires_at: datetime

    def __repr__(self) -> str:
        return f"NewLink(push_id={self.push_id}, person_id={self.person_id})"


@dataclass(frozen=True, slots=True)
class Opened:
    """What the page of a link shows: the alerts of its push as they stand, in the order of the message."""

    link: Link
    alerts: tuple[Alert, ...]


def check(link: Link | None, now: datetime, alert_id: UUID | None = None) -> Link:
    """`link` if it holds at `now`, for that alert. Raises LinkRefused."""
    if link is None:
        raise LinkRefused("the link is not valid")
    if now >= link.expires_at or not link.person.active:
        raise LinkRefused("the link has expired: sign in to acknowledge")
    if alert_id is not None and alert_id in link.used:
        raise LinkRefused("the link has been used for this alert")
    return link


def draw(push_id: UUID, person_id: int, now: datetime, hours: float) -> NewLink:
    """A new token for the alerts of a push; it holds once it is saved."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    return NewLink(token, _digest(token).hex(), push_id, person_id, now, now + timedelta(hours=hours))


def save(connection: Connection, links: Iterable[NewLink]) -> None:
    """Let new tokens hold, in the caller's transaction. Saved twice they are there once."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO acknowledge_links (token_sha256, push_id, person_id, made_at, expires_at)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (bytes.fromhex(each.token_sha256), each.push_id, each.person_id, each.made_at, each.expires_at)
                for each in links
            ],
        )


def show(connection: Connection, token: str, now: datetime) -> Opened:
    """What the link is for; changes nothing. Raises LinkRefused."""
    link = check(_load(connection, token), now)
    numbers = outbox_store.alerts_of(connection, link.push_id)
    found = store.load_many(connection, numbers)
    return Opened(link, tuple(found[number] for number in numbers if number in found))


def use(connection: Connection, token: str, alert_id: UUID, now: datetime) -> Alert:
    """Acknowledge one alert with the link, in the caller's transaction; an alert that is acknowledged already stays as
    it is. Raises LinkRefused."""
    opened = show(connection, token, now)
    link = check(opened.link, now, alert_id)
    standing = next((each for each in opened.alerts if each.id == alert_id), None)
    if standing is None:
        raise LinkRefused("the link is not for this alert")
    _may(connection, link.person, standing)
    taken = connection.execute(
        "INSERT INTO acknowledge_link_uses (token_sha256, alert_id, used_at) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (_digest(token), alert_id, now),
    )
    if taken.rowcount != 1:
        raise LinkRefused("the link has been used for this alert")
    if standing.acknowledged:
        return standing
    who = f"person:{link.person.id}:{link.person.name}"
    event = alerts.act(standing, Verb.ACKNOWLEDGE, who, now, None)
    try:
        return store.act(connection, standing, event, standing.version)
    except IllegalVerb:  # somebody was faster
        return store.load(connection, alert_id)


def _may(connection: Connection, who: Person, standing: Alert) -> None:
    """The person must hold the right when the button is pressed, not only when the message was sent."""
    row = connection.execute(
        "SELECT region FROM institutions WHERE id = %s", (standing.source.institution_id,)
    ).fetchone()  # fmt: skip
    if not who.may(Right.ACKNOWLEDGE, standing.source.institution_id, str(row[0]) if row else ""):
        raise LinkRefused("you may not acknowledge this alert")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token[:_TOKEN_CHARS_MAX].encode()).digest()


def _load(connection: Connection, token: str) -> Link | None:
    row = connection.execute(
        "SELECT push_id, person_id, expires_at FROM acknowledge_links WHERE token_sha256 = %s", (_digest(token),)
    ).fetchone()
    if row is None:
        return None
    who = person(connection, row[1])
    if who is None:
        return None
    used = connection.execute("SELECT alert_id FROM acknowledge_link_uses WHERE token_sha256 = %s", (_digest(token),))
    return Link(row[0], who, row[2], frozenset(each[0] for each in used))
