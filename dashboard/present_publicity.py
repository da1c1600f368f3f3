"""From commitments and public pages to the shapes people see."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from dashboard.schemas import publicity as shapes
from dashboard.schemas.institution_files import FileInstitution
from ingest.directory import InstitutionEntry
from inspection.checklist import Level
from inspection.commitment import SOON_DAYS, Commitment, CommitmentText, Standing, standing
from inspection.commitment_store import OpenHazards
from inspection.credit_calendar import CHINA
from inspection.credit_criteria import ListKind
from inspection.publicity import SHOWN_MONTHS, HazardFigures, PageAct, PublicEntry, PublicPage
from inspection.publicity_operate import County
from inspection.visit import Kind


def text(made: CommitmentText | None) -> shapes.CommitmentTextShape | None:
    """A text, None where there is none to show."""
    return None if made is None else shapes.CommitmentTextShape.model_validate(made)


def detail(
    place: InstitutionEntry, in_force: CommitmentText | None, texts: Mapping[int, CommitmentText | None],
    history: Sequence[Commitment], found: OpenHazards, acts: Sequence[PageAct], named: int, now: datetime, *,
    head_gone: bool, may_sign: bool, may_revoke: bool, may_publish: bool,
) -> shapes.CommitmentDetail:  # fmt: skip
    """An institution's commitments, the newest first, and its page."""
    newest_id = max((each.id for each in history), default=0)
    return shapes.CommitmentDetail(
        institution=FileInstitution.model_validate(place),
        text=text(in_force),
        open=shapes.OpenHazardsShape.model_validate(found),
        history=[
            shapes.CommitmentShape(
                id=each.id, standing=standing(each, newest_id, now), text=text(texts.get(each.text_id)),
                signed_at=each.signed_at, until=each.until, signer_name=each.signer_name, actor=each.actor,
                open_general=each.open_general, open_major=each.open_major, overdue=each.overdue,
                revocation=shapes.RevocationShape.model_validate(each.revocation) if each.revocation else None,
            )
            for each in history
        ],
        head_gone=head_gone,
        published=bool(acts) and acts[0].published,
        acts=[shapes.PageActShape.model_validate(each) for each in acts],
        named=named,
        may_sign=may_sign,
        may_revoke=may_revoke,
        may_publish=may_publish,
    )  # fmt: skip


def row(place: InstitutionEntry, newest: Commitment | None, now: datetime, *, published: bool) -> shapes.CommitmentRow:
    """A line of the list."""
    stands = None if newest is None else standing(newest, newest.id, now)
    ends_soon = (
        newest is not None and stands is Standing.IN_FORCE and newest.until - now <= timedelta(days=SOON_DAYS)
    )  # fmt: skip
    return shapes.CommitmentRow(
        institution=FileInstitution.model_validate(place),
        standing=stands,
        signed_at=newest.signed_at if newest else None,
        until=newest.until if newest else None,
        ends_soon=ends_soon,
        published=published,
    )


def public_page(made: PublicPage, now: datetime) -> shapes.PublicInstitution:
    """The public page of an institution."""
    held = made.commitment
    return shapes.PublicInstitution(
        institution=_place(made),
        published_on=_day(made.place.published_at),
        months=SHOWN_MONTHS,
        as_of=now,
        responsibles=[shapes.PublicPersonShape.model_validate(each) for each in made.responsibles],
        risks=shapes.PublicRisks.model_validate({**made.risks.by_level, "assessed_on": made.risks.assessed_on}),
        general=shapes.PublicHazards.model_validate(made.hazards[Level.GENERAL]),
        major=shapes.PublicHazards.model_validate(made.hazards[Level.MAJOR]),
        checks=[
            shapes.PublicChecks(kind=kind, made=each.made, last_on=_day(each.last_at) if each.last_at else None)
            for kind, each in made.checks.items()
        ],
        commitment=held and shapes.PublicCommitmentShape(
            title_zh=held.title_zh, title_en=held.title_en, version=held.version, sha256=held.sha256,
            clauses=[shapes.ClauseShape.model_validate(each) for each in held.clauses], signer=held.signer,
            signed_on=_day(held.signed_at), until=_day(held.until),
        ),
    )  # fmt: skip


def public_county(made: County, now: datetime) -> shapes.PublicCounty:
    """The public page of a county."""
    pages = {each.place.id for each in made.pages}
    return shapes.PublicCounty(
        region=made.region,
        months=SHOWN_MONTHS,
        as_of=now,
        institutions=[_row(each) for each in made.pages],
        lists=shapes.PublicLists(
            red=_entries(made.entries[ListKind.RED], pages), black=_entries(made.entries[ListKind.BLACK], pages)
        ),
    )


def _entries(entries: Sequence[PublicEntry], pages: set[int]) -> list[shapes.PublicEntryShape]:
    return [
        shapes.PublicEntryShape(
            institution_id=each.institution_id, name=each.name, name_en=each.name_en, words_zh=each.words_zh,
            words_en=each.words_en, listed_on=_day(each.listed_at), until=_day(each.until),
            has_page=each.institution_id in pages,
        )
        for each in entries
    ]  # fmt: skip


def _row(made: PublicPage) -> shapes.PublicRow:
    general, major = made.hazards[Level.GENERAL], made.hazards[Level.MAJOR]
    both = HazardFigures(
        general.found + major.found, general.closed + major.closed, general.closed_in_time + major.closed_in_time,
        general.overdue + major.overdue,
    )  # fmt: skip
    return shapes.PublicRow(
        institution=_place(made),
        found=both.found,
        closed=both.closed,
        major=major.found,
        major_closed=major.closed,
        overdue=both.overdue,
        self_checks=made.checks[Kind.SELF_CHECK].made,
        promised_until=_day(made.commitment.until) if made.commitment else None,
    )


def _place(made: PublicPage) -> shapes.PublicPlace:
    return shapes.PublicPlace.model_validate(
        {
            "id": made.place.id, "name": made.place.name, "name_en": made.place.name_en, "kind": made.place.kind,
            "region": made.place.region, "ownership": made.ownership,
        }
    )  # fmt: skip


def _day(at: datetime) -> date:
    return at.astimezone(CHINA).date()
