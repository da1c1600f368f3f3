"""Making the reports: gather the facts as they stood, have them laid out, sign the monthly ledger.

Every function works in the caller's transaction; whether the reader may see that place is the caller's to ask.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from alerting.people import Person, Scope
from ingest import directory
from ingest.database import Connection
from inspection import (
    hazard_list_store,
    hazard_store,
    operate,
    protection_operate,
    report_bulletin,
    report_campaign,
    report_ledger,
    report_notice,
    report_store,
    report_year,
    signature_store,
    visit_list_store,
    visit_store,
)
from inspection.errors import ReportChanged, ReportRefused, SignatureRefused
from inspection.hazard import Hazard
from inspection.notice import clock
from inspection.report import Document, Language, Period
from inspection.report_ledger import Change, Ledger
from inspection.report_notice import Notice
from inspection.report_store import Narrowed
from inspection.report_words import either
from inspection.report_year import Protections, Year
from inspection.signature_store import Version

log = structlog.get_logger("inspection.report_operate")


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose report, in which language, asked for at `now`."""

    scope: Scope
    language: Language
    now: datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """A monthly ledger: its facts, the document, the versions that were signed (the newest first), and what has changed
    since the newest of them."""

    ledger: Ledger
    document: Document
    versions: list[Version]
    changes: list[Change]

    @property
    def valid(self) -> bool:
        """Whether the newest signed version is what the records say now."""
        return bool(self.versions) and self.versions[0].sha256 == self.ledger.sha256


def ledger(connection: Connection, period: Period, asked: Asked) -> Signed:
    """The monthly ledger with what was signed of it. Raises ReportRefused."""
    found = ledger_facts(connection, period, asked)
    versions = signature_store.versions(connection, period.first, period.last, asked.scope)
    changes = report_ledger.changes(signature_store.content(connection, versions[0].id), found) if versions else []
    heads = (*_heads(connection, period, asked), *_signed_heads(versions, found, changes, asked.language))
    return Signed(found, report_ledger.lay_out(found, period, asked.language, heads), versions, changes)


def ledger_facts(connection: Connection, period: Period, asked: Asked) -> Ledger:
    """The facts of the monthly ledger. Raises ReportRefused."""
    at = period.as_of(asked.now)
    within = _within(connection, asked.scope)
    hazards = report_store.on_list(connection, Narrowed(within, period.begins, at))
    people = hazard_list_store.names(connection, {each.assignee_id for each in hazards if each.assignee_id is not None})
    places = report_store.places(connection, {each.institution_id for each in hazards})
    place = _place_code(connection, asked.scope)
    return report_ledger.ledger(period, place, hazards, places, people, at, operate.policy_in_force(connection))


def signed_ledger(connection: Connection, version_id: int, language: Language) -> Document:
    """A version as it was signed, whatever the records say now. Raises VersionUnknown."""
    version, found = signature_store.version(connection, version_id)
    period = Period(version.first, version.last)
    place = _place_name(connection, version.scope, language)
    signatures = "；".join(f"{each.name} {clock(each.signed_at)}" for each in version.signatures)
    heads = (
        place,
        either(
            language,
            f"第 {version.version} 版，已签字：{signatures}",
            f"Version {version.version}, signed: {signatures}",
        ),
        f"SHA-256 {version.sha256}",
    )  # fmt: skip
    return report_ledger.lay_out(found, period, language, heads)


def sign(
    connection: Connection, period: Period, asked: Asked, sha256: str, who: Person, actor: str, note: str
) -> Version:
    """Sign the ledger of one calendar month as it was seen: `sha256` of its content. Raises SignatureRefused,
    ReportChanged where the facts are no longer those."""
    if not period.is_month:
        raise SignatureRefused("the ledger of one calendar month is signed")
    if period.begins > asked.now:
        raise SignatureRefused("this month has not begun")
    signature_store.lock(connection)
    found = ledger_facts(connection, period, asked)
    if found.sha256 != sha256:
        raise ReportChanged
    made = signature_store.sign(connection, found, asked.scope, who, actor, note)
    log.info("ledger signed", version=made.version, sha256=made.sha256, actor=actor)
    return made


def notice_of_hazard(connection: Connection, hazard_id: UUID, asked: Asked) -> Document:
    """The notice of rectification of one open hazard. Raises HazardUnknown, ReportRefused for a closed one."""
    hazard = hazard_store.load(connection, hazard_id)
    if not hazard.open:
        raise ReportRefused("this hazard is not on the list any more")
    return _notice(Notice(_name(connection, hazard.institution_id, asked.language), (hazard,)), asked)


def notice_of_visit(connection: Connection, visit_id: UUID, asked: Asked) -> Document:
    """The notice of everything an inspection found that is not closed yet. Raises VisitUnknown, ReportRefused where
    there is nothing."""
    visit = visit_store.load(connection, visit_id)
    found = hazard_store.load_many(connection, [each.hazard_id for each in visit.findings])
    open_ones = sorted((each for each in found.values() if each.open), key=lambda each: each.no)
    if not open_ones:
        raise ReportRefused("this inspection has found nothing that is still open")
    name = _name(connection, visit.institution_id, asked.language)
    return _notice(Notice(name, tuple(open_ones), visit.no, visit.begun_at), asked)


def bulletin(connection: Connection, period: Period, asked: Asked) -> Document:
    """The bulletin as of the end of the time. Raises ReportRefused."""
    at = period.as_of(asked.now)
    hazards = report_store.on_list(connection, Narrowed(_within(connection, asked.scope), period.begins, at))
    found = report_bulletin.bulletin(period, hazards, at, operate.policy_in_force(connection))
    shown: set[Hazard] = {*found.overdue, *found.repeated, *found.proposed}
    places = report_store.places(connection, {each.institution_id for each in shown})
    heads = _heads(connection, period, asked)
    return report_bulletin.lay_out(found, period, places, at, asked.language, heads)


def campaign(connection: Connection, campaign_id: UUID, asked: Asked) -> Document:
    """The summary of a campaign, as it stands now. Raises CampaignUnknown, ReportRefused."""
    made = visit_list_store.campaign(connection, campaign_id)
    within = _within(connection, asked.scope)
    visits = report_store.campaign_visits(connection, campaign_id, within, asked.now)
    period = Period(made.begins_on, made.ends_on)
    hazards = report_store.of_campaign(connection, campaign_id, Narrowed(within, period.begins, asked.now))
    places = report_store.places(connection, visits.keys())
    found = report_campaign.summary(made.theme, made.goal, visits, hazards, places, asked.now)
    return report_campaign.lay_out(found, asked.language, _heads(connection, period, asked, to_now=True))


def year(connection: Connection, period: Period, asked: Asked) -> Document:
    """The figures of the time, as it stood at its end. Raises ReportRefused."""
    found = year_facts(connection, period, asked)
    return report_year.lay_out(found, period, asked.language, _heads(connection, period, asked))


def year_facts(connection: Connection, period: Period, asked: Asked) -> Year:
    """The facts of the figures. Raises ReportRefused."""
    at, within = period.as_of(asked.now), _within(connection, asked.scope)
    narrowed = Narrowed(within, period.begins, at)
    hazards = report_store.reported(connection, narrowed)
    return report_year.year(
        report_store.visit_counts(connection, narrowed),
        report_store.institutions_visited(connection, narrowed),
        hazards,
        report_store.found_by_own(connection, [each.id for each in hazards]),
        report_store.homes(connection, narrowed),
        _protections(connection, within, at),
        at,
    )


def _protections(connection: Connection, within: Collection[int] | None, at: datetime) -> Protections:
    found = protection_operate.overview(connection, within, at)
    return Protections(found.share, found.policy.target_percent)


def _notice(found: Notice, asked: Asked) -> Document:
    return report_notice.lay_out(found, asked.language, asked.now)


def _within(connection: Connection, scope: Scope) -> Collection[int] | None:
    if scope.institution_id is not None:
        return [scope.institution_id]
    return directory.ids_in_region(connection, scope.region) if scope.region else None


def _heads(connection: Connection, period: Period, asked: Asked, *, to_now: bool = False) -> tuple[str, ...]:
    at = asked.now if to_now else period.as_of(asked.now)
    running = at < period.ends
    shown = clock(at) if running or to_now else f"{period.last} 24:00"
    days = either(asked.language, f"{period.first} 至 {period.last}", f"{period.first} to {period.last}")
    return (
        _place_name(connection, asked.scope, asked.language),
        either(asked.language, f"期间：{days}", f"Time: {days}"),
        either(asked.language, f"数据截至 {shown}", f"As it stood at {shown}"),
    )


def _signed_heads(versions: list[Version], found: Ledger, changes: list[Change], language: Language) -> tuple[str, ...]:
    sha256 = f"SHA-256 {found.sha256}"
    if not versions:
        return (either(language, "未签字", "Not signed"), sha256)
    newest = versions[0]
    names = "；".join(f"{each.name} {clock(each.signed_at)}" for each in newest.signatures)
    signed = either(language, f"第 {newest.version} 版，已签字：{names}", f"Version {newest.version}, signed: {names}")
    if newest.sha256 == found.sha256:
        return (signed, sha256)
    count = len(changes)
    since = either(
        language,
        f"签字之后有 {count} 项隐患的情况变化，以下是未签字的现状",
        f"{count} hazards have changed since; below is what the records say now, which nobody has signed",
    )
    return (signed, since, sha256)


def _place_code(connection: Connection, scope: Scope) -> str:
    if scope.institution_id is None:
        return f"region:{scope.region}"
    [place] = directory.institutions(connection, [scope.institution_id])
    return f"institution:{place.code}"


def _place_name(connection: Connection, scope: Scope, language: Language) -> str:
    if scope.institution_id is not None:
        return _name(connection, scope.institution_id, language)
    if scope.region:
        return either(language, f"行政区划 {scope.region}", f"Region {scope.region}")
    return either(language, "全部机构", "All institutions")


def _name(connection: Connection, institution_id: int, language: Language) -> str:
    return report_store.places(connection, [institution_id])[institution_id].said(language)
