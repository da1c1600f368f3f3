"""From a report that was laid out to the shapes people see."""

from alerting.people import Person
from dashboard.schemas import reports as shapes
from inspection.report import Block, Document, Figures, Prose, SignatureLines, Table
from inspection.report_operate import Signed
from inspection.signature_store import Version


def document(found: Document, signing: shapes.ReportSigning | None = None) -> shapes.Report:
    """A report."""
    return shapes.Report(
        kind=found.kind,
        language=found.language,
        title=found.title,
        heads=list(found.heads),
        landscape=found.landscape,
        blocks=[_block(each) for each in found.blocks],
        signing=signing,
    )


def signed(found: Signed, reader: Person, *, may_sign: bool) -> shapes.Report:
    """A monthly ledger with what was signed of it. `may_sign`: whether the reader could at all; nobody signs the same
    content twice."""
    newest = found.versions[0] if found.valid else None
    again = newest is not None and any(each.person_id == reader.id for each in newest.signatures)
    signing = shapes.ReportSigning(
        sha256=found.ledger.sha256,
        valid=found.valid,
        may_sign=may_sign and not again,
        versions=[version(each) for each in found.versions],
        changes=[shapes.ReportChange.model_validate(each) for each in found.changes],
    )
    return document(found.document, signing)


def version(made: Version) -> shapes.ReportVersion:
    """A signed version."""
    return shapes.ReportVersion.model_validate(made)


def _block(block: Block) -> shapes.ReportBlock:
    match block:
        case Table():
            return shapes.ReportTable(
                title=block.title,
                columns=[shapes.ReportColumn.model_validate(each) for each in block.columns],
                rows=[list(row) for row in block.rows],
                empty=block.empty,
            )
        case Figures():
            return shapes.ReportFigures.model_validate(block)
        case Prose():
            return shapes.ReportProse.model_validate(block)
        case SignatureLines():
            return shapes.ReportSignatureLines.model_validate(block)
