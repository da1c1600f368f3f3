"""From ratings to the shapes people see: each point with the words of the policy it was made by."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from dashboard.schemas import ratings as shapes
from ingest import directory
from ingest.database import Connection
from inspection import rating_store
from inspection.rating_policy import RatingPolicy
from inspection.rating_store import Standing
from inspection.safety_record import RecordKind, SafetyRecord

HISTORY_DAYS: Final = 366


def points(hundredths: int) -> float:
    """As people read them."""
    return hundredths / 100


def rows(connection: Connection, found: Sequence[Standing]) -> list[shapes.RatingRow]:
    """`found` with the names of the institutions."""
    places = {each.id: each for each in directory.institutions(connection, [each.institution_id for each in found])}
    policies = {
        number: rating_store.policy(connection, number) for number in {each.policy_id for each in found} if number
    }
    return [
        shapes.RatingRow(
            institution=shapes.RatedInstitution.model_validate(places[each.institution_id]),
            as_of=each.as_of,
            score=None if each.score is None else points(each.score),
            grade=each.grade,
            earlier_grade=each.earlier_grade,
            change=_change(each, policies.get(each.policy_id or 0)),
            inspections_per_year=each.inspections_per_year,
        )
        for each in found
    ]


def policy(made: RatingPolicy) -> shapes.RatingPolicyShape:
    """The policy in force."""
    return shapes.RatingPolicyShape(
        id=made.id, version=made.version, title_zh=made.title_zh, title_en=made.title_en, source_zh=made.source_zh,
        source_en=made.source_en, base=points(made.base),
        grades=[
            shapes.RatingGrade(
                id=each.id, score_min=points(each.score_min), inspections_per_year=each.inspections_per_year,
                risk_weight=each.risk_weight,
            )
            for each in made.grades
        ],
        indicators=[
            shapes.RatingIndicator(
                id=each.id, section=each.section, zh=each.zh, en=each.en, clause=each.clause,
                points=points(each.points), cap=None if each.cap is None else points(each.cap), days=each.query.days,
            )
            for each in made.indicators
        ],
    )  # fmt: skip


def detail(connection: Connection, standing: Standing, now: datetime) -> shapes.RatingDetail:
    """The newest rating of an institution with its reasons."""
    [row] = rows(connection, [standing])
    found = rating_store.explained(connection, standing.institution_id, now)
    if found is None:
        return shapes.RatingDetail(
            **row.model_dump(), policy_id=None, policy_version=None, policy_zh="", policy_en="", by_score=None,
            base=None, reasons=[], bounded=0.0, vetoes=[], history=[],
        )  # fmt: skip
    run, rating = found
    made, told = rating_store.policy(connection, run.policy_id), orjson.loads(rating.explanation)
    past = rating_store.history(connection, standing.institution_id, now - timedelta(days=HISTORY_DAYS))
    return shapes.RatingDetail(
        **row.model_dump(), policy_id=made.id, policy_version=made.version, policy_zh=made.title_zh,
        policy_en=made.title_en, by_score=told["by_score"], base=_base(made, told["base"]),
        reasons=_reasons(made, told["indicators"]), bounded=points(told["bounded"]),
        vetoes=_vetoes(made, told["vetoes"]),
        history=[shapes.RatingPast(as_of=at, score=points(score), grade=grade) for at, score, grade in past],
    )  # fmt: skip


def records(found: Sequence[SafetyRecord]) -> list[shapes.SafetyRecordShape]:
    """What is on record, with what others say about it."""
    said = {(each.about, each.kind) for each in found}
    return [
        shapes.SafetyRecordShape(
            id=each.id, kind=each.kind, level=each.level, occurred_at=each.occurred_at, until=each.until,
            title=each.title, source=each.source, about=each.about, recorded_at=each.recorded_at,
            withdrawn=(each.id, RecordKind.WITHDRAWAL) in said, repaired=(each.id, RecordKind.REPAIR) in said,
        )
        for each in found
    ]  # fmt: skip


def _change(standing: Standing, made: RatingPolicy | None) -> int | None:
    """How many grades better than before; None where either is missing, or the policy was another one's."""
    names = [each.id for each in made.grades] if made else []
    if standing.grade not in names or standing.earlier_grade not in names:
        return None
    return names.index(standing.earlier_grade) - names.index(standing.grade)


def _base(made: RatingPolicy, told: Mapping[str, Any]) -> shapes.RatingBase:
    level = None if told["level"] is None else made.base_levels[told["level"]]
    return shapes.RatingBase(
        points=points(told["points"]), zh=level.zh if level else "基准分", en=level.en if level else "Base",
        record=told["record"],
    )  # fmt: skip


def _reasons(made: RatingPolicy, told: Sequence[Mapping[str, Any]]) -> list[shapes.RatingReason]:
    indicators = {each.id: each for each in made.indicators}
    sections = {each.id: each for each in made.sections}
    found = []
    for each in told:
        indicator = indicators[each["id"]]
        section = sections[indicator.section]
        lines = [
            shapes.RatingLine(
                record=line["record"], points=points(line["points"]), full=points(line["full"]), factor=line["factor"],
                times=line["times"],
            )
            for line in each["lines"]
        ]  # fmt: skip
        found.append(
            shapes.RatingReason(
                id=indicator.id, section_zh=section.zh, section_en=section.en, zh=indicator.zh, en=indicator.en,
                clause=indicator.clause, points=points(each["points"]),
                cap=None if indicator.cap is None else points(indicator.cap), days=indicator.query.days,
                unused=each["unused"], lines=lines,
            )
        )  # fmt: skip
    return found


def _vetoes(made: RatingPolicy, told: Sequence[Mapping[str, Any]]) -> list[shapes.RatingVeto]:
    vetoes = {each.id: each for each in made.vetoes}
    return [
        shapes.RatingVeto(
            id=each["id"], zh=vetoes[each["id"]].zh, en=vetoes[each["id"]].en, clause=vetoes[each["id"]].clause,
            steps=each["steps"], to=each["to"], records=each["records"],
        )
        for each in told
    ]  # fmt: skip
