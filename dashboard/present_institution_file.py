"""From institution files to the shapes people see."""

from collections.abc import Iterable, Mapping
from datetime import date

from dashboard.schemas import institution_files as shapes
from ingest.directory import InstitutionEntry
from inspection.institution_file import CATALOGUE, InstitutionFile
from inspection.institution_file_score import complete
from inspection.institution_file_store import FireStanding


def catalogue() -> shapes.FileCatalogue:
    """What a file consists of."""
    return shapes.FileCatalogue(sections=[shapes.FileSectionShape.model_validate(each) for each in CATALOGUE])


def detail(
    place: InstitutionEntry, found: InstitutionFile, today: date, *, may_write: bool, may_close_gaps: bool
) -> shapes.FileDetail:
    """A whole file."""
    return shapes.FileDetail(
        institution=shapes.FileInstitution.model_validate(place),
        sections={name: shapes.FileKept.model_validate(kept) for name, kept in found.sections.items()},
        gaps=[shapes.FireGapShape.model_validate(each) for each in found.gaps],
        practice=shapes.FilePractice.model_validate(found.practice),
        completeness=shapes.FileCompleteness.model_validate(complete(found, today)),
        may_write=may_write,
        may_close_gaps=may_close_gaps,
    )


def row(place: InstitutionEntry, found: InstitutionFile, today: date) -> shapes.FileRow:
    """A line of the list; `missing` by points, the most first."""
    judged = complete(found, today)
    lacking = sorted((each for each in judged.items if not each.met), key=lambda each: -each.points)
    changes = [each.changed_at for each in found.sections.values() if each.changed_at is not None]
    return shapes.FileRow.model_validate(
        {
            "institution": shapes.FileInstitution.model_validate(place),
            "ownership": found.one("identity").get("ownership"),
            "percent": judged.percent,
            "missing": [each.key for each in lacking],
            "open_gaps": sum(each.open for each in found.gaps),
            "changed_at": max(changes, default=None),
        }
    )


def fire(
    standings: Iterable[FireStanding], places: Mapping[int, InstitutionEntry], today: date, offset: int, limit: int
) -> shapes.FirePage:
    """The countdown; a page of its rows."""
    known = list(standings)
    rows = [
        shapes.FireRow(
            institution=shapes.FileInstitution.model_validate(places[each.institution_id]),
            state=each.state,
            known_count=each.known_count,
            open_count=each.open_count,
            due_on=each.due_on,
            cleared_on=None if each.open_count else each.cleared_on,
            overdue=each.due_on is not None and each.due_on < today,
        )
        for each in known[offset : offset + limit]
    ]
    return shapes.FirePage(
        items=rows,
        total=len(known),
        known=sum(each.known_count > 0 for each in known),
        left=sum(each.open_count > 0 for each in known),
        unsaid=sum(each.state is None for each in known),
        open_gaps=sum(each.open_count for each in known),
    )
