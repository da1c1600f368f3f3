"""Signing, revoking and publishing, and what the public reads.

Every function works in the caller's transaction; whether somebody reaches that institution is the caller's to ask.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from alerting import people_store
from alerting.people import Person
from ingest import directory
from ingest.database import Connection
from inspection import (
    commitment,
    commitment_notice,
    commitment_store,
    credit_list_store,
    notice_store,
    publicity,
    publicity_store,
)
from inspection.commitment import SOON_DAYS, Commitment, CommitmentText
from inspection.credit_calendar import add_months
from inspection.credit_criteria import ListKind
from inspection.errors import CommitmentTextInvalid, NotPublished, StepRefused
from inspection.operate import Actor
from inspection.publicity import SHOWN_MONTHS, Known, Place, PublicEntry, PublicPage, RiskFigures

log: Final = structlog.get_logger("inspection.publicity_operate")


@dataclass(frozen=True, slots=True)
class County:
    """What the public reads of a county. `pages` says of each institution what its page does."""

    region: str
    pages: tuple[PublicPage, ...]
    entries: dict[ListKind, tuple[PublicEntry, ...]]


def text_in_force(connection: Connection) -> tuple[int, CommitmentText]:
    """The text that is signed now with its id; where none is, the one that ships is put in force. Raises
    CommitmentTextInvalid."""
    found = commitment_store.load_text(connection)
    if found is None:
        body = commitment.default_text()
        commitment_store.save_text(connection, commitment.parse(body), body, "anhu: first start")
        found = commitment_store.load_text(connection)
    if found is None:
        raise RuntimeError("the text just saved is not there")
    return found[0], commitment.parse(found[1])


def text_known(connection: Connection) -> CommitmentText | None:
    """The text to show: the one in force, or the one that ships; None where this version cannot read the one in force,
    so that nothing can be signed."""
    found = commitment_store.load_text(connection)
    return commitment.parse(commitment.default_text()) if found is None else _readable(found[1])


def sign(
    connection: Connection, institution_id: int, seen_sha256: str, months: int, who: Person, actor: Actor
) -> None:  # fmt: skip
    """Sign the text in force for so many months. Raises WrongPerson, CommitmentChanged, StepRefused."""
    commitment_store.lock(connection, institution_id)
    try:
        text_id, text = text_in_force(connection)
    except CommitmentTextInvalid as error:
        raise StepRefused(f"the text in force cannot be read: {error}") from error
    term = commitment.sign(text, seen_sha256, months, institution_id, who, actor.now)
    found = commitment_store.open_hazards(connection, institution_id, actor.now)
    commitment_store.save(connection, institution_id, text_id, text, term, who.name, found, actor.by)
    log.info("commitment signed", institution_id=institution_id, until=term.until.isoformat(), actor=actor.by.actor)


def revoke(
    connection: Connection, institution_id: int, commitment_id: int, reason: str, who: Person, actor: Actor
) -> None:  # fmt: skip
    """Take the commitment in force back. Raises StepRefused, WrongPerson."""
    commitment_store.lock(connection, institution_id)
    history = commitment_store.history(connection, institution_id)
    held = commitment.revoke(history, commitment_id, reason, who, actor.now)
    commitment_store.revoke(connection, held, reason.strip(), actor.by)
    log.info("commitment revoked", institution_id=institution_id, actor=actor.by.actor)


def remind(connection: Connection, now: datetime) -> int:
    """Tell the heads of institutions whose commitment ends within SOON_DAYS, once of each commitment; how many were
    told of. Each is a transaction of its own."""
    told = 0
    for held in commitment_store.ending(connection, now, now + timedelta(days=SOON_DAYS)):
        with connection.transaction():
            if not commitment_store.save_reminder(connection, held, now):
                continue
            [place] = directory.institutions(connection, [held.institution_id])
            made = [
                commitment_notice.message(
                    held, each, place.name_en or place.name if each.language == "en" else place.name
                )
                for each in commitment_notice.readers(held, people_store.persons(connection))
            ]
            notice_store.send(connection, made, commitment_notice.key(held), now)
        told += 1
        log.info("commitment ends soon", institution_id=held.institution_id, readers=len(made))
    return told


def publish_page(connection: Connection, institution_id: int, published: bool, note: str, actor: Actor) -> None:
    """Publish the page of an institution, or take it down. Raises StepRefused, WrongPerson."""
    commitment_store.lock(connection, institution_id)
    newest = next(iter(publicity_store.page_acts(connection, institution_id)), None)
    publicity.demand_page_step(newest, actor.by, published=published, note=note)
    publicity_store.save_page_act(connection, institution_id, published, note.strip(), actor.by)
    log.info("page published" if published else "page taken down", institution_id=institution_id, actor=actor.by.actor)


def publish_entry(
    connection: Connection, entry_id: UUID, published: bool, words: tuple[str, str], note: str, actor: Actor
) -> None:  # fmt: skip
    """Make an entry of the red or black list known in these words (Chinese, English), or take it down. Raises
    CreditEntryUnknown, StepRefused, WrongPerson, WordsUnfit."""
    entry = credit_list_store.load(connection, entry_id)
    commitment_store.lock(connection, entry.institution_id)
    newest = next(iter(publicity_store.entry_acts(connection, entry_id)), None)
    names = publicity_store.unnamed(connection, entry.institution_id)
    publicity.demand_entry_step(entry, newest, actor.by, published=published, words=words, note=note, names=names)
    kept = (words[0].strip(), words[1].strip()) if published else ("", "")
    publicity_store.save_entry_act(
        connection, entry_id, entry.institution_id, published, kept, note.strip(), actor.by
    )  # fmt: skip
    log.info("credit entry published" if published else "credit entry taken down", entry=str(entry_id))


def page(connection: Connection, institution_id: int, now: datetime) -> PublicPage:
    """The public page of an institution. Raises NotPublished, in the words for an institution that is not there."""
    found = publicity_store.place(connection, institution_id)
    if found is None:
        raise NotPublished("there is no such public page")
    return _pages(connection, [found], now, whole=True)[0]


def county(connection: Connection, region: str, now: datetime) -> County:
    """The public pages of a county, without people and risks, and the entries of its red and black list that were made
    known."""
    found = publicity_store.places(connection, region)
    return County(
        region,
        tuple(_pages(connection, found, now, whole=False)),
        {
            kind: tuple(publicity_store.entries(connection, region, kind, now))
            for kind in (ListKind.RED, ListKind.BLACK)
        },
    )  # fmt: skip


def texts_of(connection: Connection, signed: Iterable[Commitment]) -> dict[int, CommitmentText | None]:
    """The texts that were signed, by their ids; None for one that this version cannot read."""
    bodies = commitment_store.texts(connection, {each.text_id for each in signed})
    return {number: _readable(body) for number, body in bodies.items()}


def _pages(connection: Connection, found: list[Place], now: datetime, *, whole: bool) -> list[PublicPage]:
    """The pages of these institutions; who is responsible, and risks, only of a `whole` one."""
    ids = [each.id for each in found]
    since = add_months(now, -SHOWN_MONTHS)
    hazards = publicity_store.hazards(connection, ids, since, now)
    checks = publicity_store.checks(connection, ids, since)
    owners = publicity_store.ownership(connection, ids)
    signed = commitment_store.newest(connection, ids)
    texts = texts_of(connection, signed.values())
    pages = []
    for each in found:
        held = commitment.in_force([signed[each.id]], now) if each.id in signed else None
        known = Known(
            place=each,
            ownership=owners.get(each.id),
            responsibles=publicity_store.responsibles(connection, each.id) if whole else (),
            risks=publicity_store.risks(connection, each.id) if whole else RiskFigures(),
            hazards=hazards.get(each.id, {}),
            checks=checks.get(each.id, {}),
            commitment=held,
            text=texts[held.text_id] if held else None,
        )
        pages.append(publicity.page(known))
    return pages


def _readable(text: str) -> CommitmentText | None:
    try:
        return commitment.parse(text)
    except CommitmentTextInvalid as error:
        log.error("a text of the commitment cannot be read by this version", problems=error.problems)  # noqa: TRY400
        return None
