"""What can go wrong with checklists, hazards, inspections and draws; the docstring is the default message."""

from collections.abc import Sequence


class InspectionError(Exception):
    """This could not be done."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class FileInvalid(InspectionError):
    """The file has errors; nothing of it was used."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ChecklistInvalid(FileInvalid):
    """The checklist has errors; nothing of it was used."""


class ChecklistUnknown(InspectionError):
    """There is no such checklist, or no such item in it."""


class HazardPolicyInvalid(FileInvalid):
    """The hazard policy has errors; nothing of it was used."""


class HazardUnknown(InspectionError):
    """There is no such hazard."""


class StepRefused(InspectionError):
    """This is not possible now."""


class WrongPerson(StepRefused):
    """Somebody else has to do this."""


class ChecklistsUnsuitable(StepRefused):
    """Some of the checklists are not for this kind of institution."""

    def __init__(self, checklists: Sequence[str], kind: str) -> None:
        self.checklists = tuple(checklists)
        super().__init__(f"not for this kind of institution ({kind}): {', '.join(checklists)}")


class ProofMissing(StepRefused):
    """The sensors do not show yet that this hazard is gone."""


class ActReused(StepRefused):
    """This id stands for something else already."""


class PhotosMissing(StepRefused):
    """Photos of this act are not here, or no longer: send them again."""


class HazardChanged(InspectionError):
    """Somebody else changed it meanwhile."""


class PhotoRefused(InspectionError):
    """This cannot be kept as a photo."""


class PhotoUnknown(InspectionError):
    """There is no such photo."""


class RatingPolicyInvalid(FileInvalid):
    """The rating policy has errors; nothing of it was used."""


class RatingUnknown(InspectionError):
    """There is no such rating."""


class RatingRefused(InspectionError):
    """This cannot be rated now."""


class CreditCriteriaInvalid(FileInvalid):
    """The criteria of the credit lists have errors; nothing of them was used."""


class CreditEntryUnknown(InspectionError):
    """There is no such entry on a list."""


class CreditEntryChanged(HazardChanged):
    """Somebody else changed this entry meanwhile."""


class SafetyRecordRefused(InspectionError):
    """This cannot be put on record."""


class SafetyRecordUnknown(InspectionError):
    """There is no such record."""


class VisitUnknown(InspectionError):
    """There is no such inspection."""


class CampaignUnknown(InspectionError):
    """There is no such campaign."""


class DrawUnknown(InspectionError):
    """There is no such draw."""


class DrawImpossible(InspectionError):
    """There are too few institutions or inspectors for this draw."""


class DrawFalse(InspectionError):
    """The record does not follow from its seed."""


class RelationUnknown(InspectionError):
    """No such relation is declared."""


class ReportRefused(InspectionError):
    """There can be no such report."""


class ReportChanged(InspectionError):
    """The facts have changed since: look again before signing."""


class SignatureRefused(InspectionError):
    """This cannot be signed."""


class VersionUnknown(InspectionError):
    """There is no such signed version."""


class AccountUnknown(InspectionError):
    """There is no such service account."""


class AccountRefused(InspectionError):
    """There can be no such service account."""


class CursorRefused(InspectionError):
    """This is not a cursor of this export."""


class FileSectionUnknown(InspectionError):
    """The institution file has no such section."""


class FileSectionInvalid(FileInvalid):
    """What was written into the institution file has errors; nothing of it was used."""

    def __init__(self, faults: Sequence[object]) -> None:
        self.faults = tuple(faults)
        super().__init__([str(each) for each in faults])


class FileSectionChanged(InspectionError):
    """Somebody else changed this section meanwhile."""


class FireGapUnknown(InspectionError):
    """There is no such gap."""


class DocumentUnknown(InspectionError):
    """There is no such document."""


class DocumentRefused(InspectionError):
    """This cannot be kept as a document."""


class DocumentSurplus(StepRefused):
    """There is such a document already, or no more room."""


class DocumentChanged(InspectionError):
    """Somebody else changed this document meanwhile."""


class ProtectionPolicyInvalid(FileInvalid):
    """The policy of the nine protections has errors; nothing of it was used."""


class WorkbookRefused(FileInvalid):
    """The workbook has errors; nothing of it was used."""


class CommitmentTextInvalid(FileInvalid):
    """The text of the commitment has errors; nothing of it was used."""


class CommitmentChanged(InspectionError):
    """Another text is in force than the one that was read: look again before signing."""


class WordsUnfit(InspectionError):
    """These words cannot stand on a public page."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"{(type(self).__doc__ or '').strip()} ({why})")


class NotPublished(InspectionError):
    """There is no such public page."""


class CellRefused(InspectionError):
    """A cell cannot be set up so; the words say why and what to do."""
