"""From rules and backtests to what people see of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from alerting import explanation
from alerting.rules import Combination, Rule, RuleSet, default_rules, parse
from alerting.rules_difference import Difference, difference, is_newer
from dashboard import schemas
from dashboard.backtests import Job
from dashboard.schemas import rules as shapes
from ingest import directory
from ingest.database import Connection


def words(rules: RuleSet) -> list[shapes.RuleWords]:
    """Every rule and combination, in the order of the file."""
    by_id: dict[str, Rule | Combination] = {each.id: each for each in rules.rules}
    by_id |= {each.id: each for each in rules.combinations}
    return [_words(by_id[each.rule], each) for each in explanation.describe(rules)]


def shipped(rules: RuleSet) -> shapes.Shipped:
    """What ships with this version, beside `rules`."""
    theirs = parse(default_rules())
    told = difference(rules, theirs)
    return shapes.Shipped(
        version=theirs.version,
        same=told.empty,
        newer=is_newer(theirs.version, rules.version),
        difference=changes(told),
    )


def changes(told: Difference) -> shapes.RulesDifference:
    """A difference, field by field."""
    return shapes.RulesDifference(
        added=list(told.added),
        removed=list(told.removed),
        changed=[
            shapes.RuleChange(id=name, fields=[shapes.FieldChange.model_validate(each) for each in fields])
            for name, fields in told.changed.items()
        ],
        wording=list(told.wording),
    )


def backtest(connection: Connection, job: Job) -> shapes.Backtest:
    """A backtest with the names of the places in its examples."""
    result = job.result or {}
    return shapes.Backtest(
        number=job.number,
        state=job.state,
        by=job.asked.by,
        version=job.asked.version,
        begin=job.asked.begin,
        end=job.asked.end,
        begun_at=job.begun_at,
        share=job.share,
        reading_count=job.reading_count,
        problem=job.problem,
        counts=shapes.BacktestCounts(**result["counts"]) if result else None,
        examples=_examples(connection, result.get("examples", [])),
    )


def _examples(connection: Connection, found: list[dict[str, Any]]) -> list[shapes.BacktestExample]:
    devices = {each.id: each for each in directory.devices(connection, {each["device_id"] for each in found})}
    zones = {each.id: each for each in directory.zones(connection, {each.zone_id for each in devices.values()})}
    homes = directory.institutions(connection, {each.institution_id for each in devices.values()})
    institutions = {each.id: each for each in homes}
    shown = []
    for each in found:
        device = devices.get(each["device_id"])  # it may have been taken out of the registry meanwhile
        shown.append(
            shapes.BacktestExample(
                change=each["change"],
                kind=each["kind"],
                priority=each["priority"],
                rule=each["rule"],
                at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=each["at_us"]),
                shift_s=each["shift_s"],
                institution=schemas.AlertInstitution.model_validate(institutions[device.institution_id])
                if device
                else None,
                zone=schemas.AlertZone.model_validate(zones[device.zone_id]) if device else None,
                device=schemas.AlertDevice.model_validate(device) if device else None,
            )
        )
    return shown


def _words(rule: Rule | Combination, told: explanation.Explanation) -> shapes.RuleWords:
    plain = isinstance(rule, Rule)
    return shapes.RuleWords(
        id=rule.id,
        kind=rule.kind,
        priority=rule.priority,
        quantity=rule.quantity if isinstance(rule, Rule) else None,
        sign=isinstance(rule, Rule) and rule.sign,
        combination=not plain,
        title_zh=rule.title_zh,
        title_en=rule.title_en,
        text_zh=told.text_zh,
        text_en=told.text_en,
        clause_zh=told.clause_zh,
        clause=told.clause,
        clause_verified=told.clause_verified,
        institution_kinds=sorted(rule.institution_kinds) if isinstance(rule, Rule) else [],
        zone_kinds=sorted(rule.zone_kinds) if isinstance(rule, Rule) else [],
        zone_kinds_except=sorted(rule.zone_kinds_except) if isinstance(rule, Rule) else [],
    )
