"""From the nine protections to the shapes people see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from dashboard.schemas import protections as shapes
from dashboard.schemas.institution_files import FileInstitution
from ingest.directory import InstitutionEntry
from inspection.checklist import get
from inspection.notice import CHINA
from inspection.protection import CHECKLIST, Assessment, Conformity, Evidence, Found, Share, counties
from inspection.protection_operate import Overview
from inspection.protection_policy import Policy


def share(found: Share, target_percent: int) -> shapes.ProtectionShare:
    """A share beside the target."""
    return shapes.ProtectionShare(
        total=found.total,
        assessed=found.assessed,
        conforming=found.conforming,
        verified=found.verified,
        not_conforming=found.not_conforming,
        incomplete=found.incomplete,
        percent=found.percent,
        reached=found.reaches(target_percent),
        short_of=found.short_of(target_percent),
    )


def page(
    found: Overview, shown: Sequence[Conformity], total: int, entries: Mapping[int, InstitutionEntry]
) -> shapes.ProtectionPage:
    """The whole with its counties, and the institutions of one page."""
    target = found.policy.target_percent
    return shapes.ProtectionPage(
        policy=shapes.ProtectionPolicy.model_validate(found.policy),
        checklist=CHECKLIST,
        protections=_names(),
        share=share(found.share, target),
        counties=[
            shapes.ProtectionCounty(region=code, share=share(each, target))
            for code, each in counties(found.known, found.places).items()
        ],
        items=[_row(each, entries[each.institution_id]) for each in shown],
        total=total,
    )


def trend(found: Iterable[tuple[datetime, Share]], target_percent: int) -> shapes.ProtectionTrend:
    """Month by month."""
    return shapes.ProtectionTrend(
        target_percent=target_percent,
        items=[
            shapes.ProtectionMonth(
                month=(at.astimezone(CHINA) - timedelta(microseconds=1)).strftime("%Y-%m"),
                at=at,
                share=share(each, target_percent),
            )
            for at, each in found
        ],
    )


def detail(
    entry: InstitutionEntry, policy: Policy, found: Conformity | None, history: Iterable[Assessment],
    evidence: Mapping[tuple[UUID, str], Evidence],
) -> shapes.ProtectionDetail:  # fmt: skip
    """One institution with every record and what it rests on."""

    def said(record: Assessment) -> shapes.ProtectionAssessment:
        known = evidence[record.inspection_id, record.protection]
        return shapes.ProtectionAssessment.model_validate({**asdict(record), **asdict(known)})

    return shapes.ProtectionDetail(
        institution=FileInstitution.model_validate(entry),
        policy=shapes.ProtectionPolicy.model_validate(policy),
        checklist=CHECKLIST,
        protections=_names(),
        standing=found.standing if found else "not_meant",
        verified=found is not None and found.verified,
        until=found.until if found else None,
        found=[
            shapes.ProtectionFound(
                protection=each.protection,
                verdict=each.verdict,
                because=each.because,
                basis=said(each.basis) if each.basis else None,
                until=each.until,
            )
            for each in (found.found if found else ())
        ],
        history=[said(each) for each in history],
    )


def _names() -> list[shapes.ProtectionName]:
    return [shapes.ProtectionName.model_validate(each) for each in get(CHECKLIST).items]


def _row(found: Conformity, entry: InstitutionEntry) -> shapes.ProtectionRow:
    return shapes.ProtectionRow(
        institution=FileInstitution.model_validate(entry),
        standing=found.standing,
        verified=found.verified,
        lacks=[_lack(each) for each in found.missing],
        until=found.until,
    )


def _lack(found: Found) -> shapes.ProtectionLack:
    return shapes.ProtectionLack(
        protection=found.protection,
        verdict=found.verdict,
        because=found.because,
        hazard_id=found.basis.hazard_id if found.basis else None,
        hazard_no=found.basis.hazard_no if found.basis else None,
    )
