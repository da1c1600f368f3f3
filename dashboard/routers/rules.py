"""The alarm rules: what is in force and was, checking a file, trying it on stored readings, putting it in force."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Path, Query, status

from alerting import rules_operate, store
from alerting.errors import RulesInvalid
from alerting.people import Right
from alerting.rules import RuleSet, default_rules, parse
from alerting.rules_difference import difference
from alerting.rules_lines import placed
from dashboard import present_rules, schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.backtests import Asked
from dashboard.errors import BadRequest
from dashboard.schemas import rules as shapes
from ingest.database import Connection

router = APIRouter(prefix="/rules", tags=["rules"])

Managing = Annotated[Reach, Depends(Permit(Right.MANAGE_SYSTEM, everywhere=True))]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 422)}
TEXT_PATHS: Final = ("/api/rules", "/api/rules/check", "/api/rules/backtest")
TEXT_BYTES_MAX: Final = 8 * shapes.TEXT_LENGTH_MAX  # a character in JSON
_PAST: Final = datetime(2000, 1, 1, tzinfo=UTC)

log = structlog.get_logger("dashboard.rules")


@router.get("", summary="The rules in force, in words", response_model=shapes.RulesInForce)
def show_rules(serving: Serving, _reach: Viewing) -> shapes.RulesInForce:
    """And whether this version of Anhu ships others."""
    with serving.reading() as connection:
        rules = _standing(connection)
        newest = rules_operate.versions(connection, None, 1)
    return shapes.RulesInForce(
        in_force=shapes.RuleVersion.model_validate(newest[0]) if newest else None,
        version=rules.version,
        sha256=rules.sha256,
        rules=present_rules.words(rules),
        shipped=present_rules.shipped(rules),
    )


@router.get("/shipped", summary="The text of the rules that ship with this version", response_model=shapes.RulesRequest)
def show_shipped(_reach: Viewing) -> shapes.RulesRequest:
    """To begin one's own with."""
    return shapes.RulesRequest(text=default_rules())


@router.get("/versions", summary="Rules that are or were in force", response_model=shapes.RuleVersions)
def list_versions(
    serving: Serving,
    _reach: Viewing,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> shapes.RuleVersions:
    """Who put them in force, when and why."""
    with serving.reading() as connection:
        found = rules_operate.versions(connection, before, limit + 1)
    more = len(found) > limit
    items = [shapes.RuleVersion.model_validate(each) for each in found[:limit]]
    return shapes.RuleVersions(items=items, next_before=items[-1].id if more else None)


@router.get(
    "/versions/{version_id}", summary="One version of the rules", response_model=shapes.RuleVersionText,
    responses=_REFUSED,
)  # fmt: skip
def show_version(
    version_id: Annotated[int, Path(ge=1, le=2**31 - 1)], serving: Serving, _reach: Viewing
) -> shapes.RuleVersionText:
    """Its text, and what it changed."""
    with serving.reading() as connection:
        text = rules_operate.text_of(connection, version_id)
        earlier = rules_operate.versions(connection, version_id, 1)
        before = rules_operate.text_of(connection, earlier[0].id) if earlier else None
    return shapes.RuleVersionText(id=version_id, text=text, difference=_difference(before, text))


@router.post("/check", summary="Check a rule file", response_model=shapes.RulesCheck)
def check_rules(request: shapes.RulesRequest, serving: Serving, _reach: Managing) -> shapes.RulesCheck:
    """Every error in it with its line; nothing is changed."""
    try:
        rules = parse(request.text)
    except RulesInvalid as error:
        problems = [shapes.RulesProblem(line=line, text=text) for line, text in placed(request.text, error.problems)]
        return shapes.RulesCheck(
            problems=problems, version="", sha256="", rule_count=0, combination_count=0, unverified=[], difference=None
        )
    with serving.reading() as connection:
        standing = _standing(connection)
    return shapes.RulesCheck(
        problems=[],
        version=rules.version,
        sha256=rules.sha256,
        rule_count=len(rules.rules),
        combination_count=len(rules.combinations),
        unverified=[
            *(each.id for each in rules.rules if not each.clause_verified),
            *(each.id for each in rules.combinations if not each.clause_verified),
        ],
        difference=present_rules.changes(difference(standing, rules)),
    )


@router.post("", summary="Put rules in force", response_model=shapes.Loaded, responses=_REFUSED)
def load_rules(request: shapes.LoadRequest, serving: Serving, reach: Managing) -> shapes.Loaded:
    """A running service takes them up within seconds. Who did it and why is kept in the ledger. 409 where other rules
    were put in force meanwhile."""
    rules = parse(request.text)
    with serving.writing() as connection:
        new = rules_operate.put_in_force(
            connection, rules, request.text, by=reach.actor, actor=reach.actor, reason=request.reason.strip(),
            standing_sha256=request.standing_sha256,
        )  # fmt: skip
    log.info("rules loaded", version=rules.version, sha256=rules.sha256, new=new, actor=reach.actor)
    return shapes.Loaded(version=rules.version, loaded=new)


@router.get("/backtest", summary="The backtest that runs, or ran last", response_model=shapes.BacktestState)
def show_backtest(serving: Serving, _reach: Managing) -> shapes.BacktestState:
    """How far it has got, and once it is done what came of it."""
    return _backtest(serving)


@router.post(
    "/backtest", summary="Try rules on stored readings", status_code=status.HTTP_201_CREATED,
    response_model=shapes.BacktestState, responses=_REFUSED,
)  # fmt: skip
def begin_backtest(request: shapes.BacktestRequest, serving: Serving, reach: Managing) -> shapes.BacktestState:
    """In a process of its own, beside the alarms; 409 while another runs."""
    rules = parse(request.text)
    begin, end = request.begin.astimezone(UTC), request.end.astimezone(UTC)
    now = datetime.now(UTC)
    if not _PAST <= begin < end <= now + timedelta(minutes=1):
        raise BadRequest("begin must lie before end, and end not after now")
    if end - begin > timedelta(days=serving.settings.backtest_days_max):
        raise BadRequest(f"at most {serving.settings.backtest_days_max:g} days at a time")
    serving.backtests.begin(Asked(request.text, rules.version, begin, end, reach.actor), now)
    return _backtest(serving)


@router.delete("/backtest", summary="Stop the backtest", response_model=shapes.BacktestState)
def cancel_backtest(serving: Serving, _reach: Managing) -> shapes.BacktestState:
    """Nothing happens where none runs."""
    serving.backtests.cancel()
    return _backtest(serving)


def _backtest(serving: Serving) -> shapes.BacktestState:
    job = serving.backtests.job
    shown = None
    if job is not None:
        with serving.reading() as connection:
            shown = present_rules.backtest(connection, job)
    return shapes.BacktestState(backtest=shown, days_max=serving.settings.backtest_days_max)


def _standing(connection: Connection) -> RuleSet:
    """The rules in force; before a pipeline first ran, those that ship."""
    found = store.load_rules(connection)
    return parse(found[0] if found else default_rules())


def _difference(before: str | None, text: str) -> shapes.RulesDifference | None:
    """None for the first version, and where one was written for another version of Anhu and cannot be read."""
    if before is None:
        return None
    try:
        return present_rules.changes(difference(parse(before), parse(text)))
    except RulesInvalid:
        return None
