"""What the night brings to the credit lists: after the nightly rating it proposes who meets a criterion and notes new
breaches of who is listed; whose term has ended is taken off. It lists nobody: that takes a person."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import structlog

from ingest.database import Connection
from inspection import credit_grounds, credit_list_operate, credit_list_store, rating_store
from inspection.credit_criteria import Criteria, Criterion, ListKind
from inspection.credit_grounds import Grounds, Night, Reason
from inspection.credit_list import CreditEvent, End, Entry, Verb
from inspection.credit_list_store import NightRun
from inspection.errors import StepRefused
from inspection.hazard import ENGINE
from inspection.rating_policy import RatingPolicy

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NIGHTS_MAX: Final = 4000  # of one who is listed: longer than any term
_ORDER: Final = (ListKind.BLACK, ListKind.WATCH, ListKind.RED)  # the worst list first

log = structlog.get_logger("inspection.credit_night")


def work(connection: Connection, now: datetime) -> None:
    """What is due at `now`. The connection commits by itself; each step is a transaction of its own, and one that is
    done twice does nothing the second time."""
    with connection.transaction():
        criteria_id, criteria = credit_list_operate.criteria_in_force(connection)
    for each in credit_list_store.ended_by(connection, now):
        with connection.transaction():
            _end(connection, each, now)
    run = credit_list_store.unjudged_night(connection)
    if run is not None:
        with connection.transaction():
            judge(connection, run, criteria_id, criteria, now)


def judge(connection: Connection, run: NightRun, criteria_id: int, criteria: Criteria, now: datetime) -> None:
    """Look through one night's ratings, in the caller's transaction: propose, and prolong."""
    policy = rating_store.policy(connection, run.policy_id)
    prolonged = sum(_prolonged(connection, each, run, criteria, policy, now) for each in _adverse(connection))
    everybody = credit_list_store.rated_in(connection, run.id)
    newest = credit_list_store.nights(connection, everybody, run.as_of, since=_EVER, count_max=1, hits=True)
    proposed = 0
    for kind in _ORDER:
        for criterion in criteria.of(kind):
            likely = [each for each in everybody if newest[each] and credit_grounds.matches(criterion, newest[each][0])]
            entries = credit_list_store.of_institutions(connection, likely)
            likely = [each for each in likely if credit_grounds.kept_out(kind, entries[each]) is None]
            nights = newest if criterion.ratings_min == 1 else _nights(connection, likely, run, criterion)
            for institution_id in likely:
                verdict = credit_grounds.proposal(criterion, nights[institution_id], entries[institution_id], criteria)
                if verdict.reason is Reason.PROPOSES and verdict.grounds is not None:
                    _propose(connection, institution_id, verdict.grounds, run, policy, criteria, now)
                    proposed += 1
    credit_list_store.save_judged(connection, run.id, criteria_id, proposed, prolonged)
    log.info("credit lists looked through", run=run.id, proposed=proposed, prolonged=prolonged)


def _adverse(connection: Connection) -> list[Entry]:
    return [each for each in credit_list_store.listed(connection) if each.kind is not ListKind.RED]


def _nights(
    connection: Connection, ids: Sequence[int], run: NightRun, criterion: Criterion
) -> dict[int, list[Night]]:  # fmt: skip
    return credit_list_store.nights(
        connection, ids, run.as_of, since=_EVER, count_max=criterion.ratings_min, hits=bool(criterion.vetoes)
    )


def _facts(grounds: Grounds, policy: RatingPolicy) -> dict[str, object]:
    """What people are shown, with the names of the vetoes as the policy has them today."""
    names = {each.id: each for each in policy.vetoes}
    vetoes = [
        {"id": each, "zh": names[each].zh, "en": names[each].en} for each in grounds.facts["vetoes"] if each in names
    ]
    return {**grounds.facts, "vetoes": vetoes, "clause": grounds.criterion.clause, "zh": grounds.criterion.zh,
            "en": grounds.criterion.en}  # fmt: skip


def _propose(
    connection: Connection, institution_id: int, grounds: Grounds, run: NightRun, policy: RatingPolicy,
    criteria: Criteria, now: datetime,
) -> None:  # fmt: skip
    kind = grounds.criterion.kind
    entry_id = uuid.uuid5(uuid.NAMESPACE_OID, f"anhu-credit|{run.id}|{institution_id}|{kind}")
    body = {
        "institution_id": institution_id,
        "kind": kind.value,
        "criterion": grounds.criterion.id,
        "grounds": sorted(grounds.keys),
        "facts": _facts(grounds, policy),
        "criteria": criteria.version,
    }
    event = CreditEvent(uuid.uuid5(entry_id, "propose"), entry_id, Verb.PROPOSE, now, ENGINE, body=body)
    credit_list_operate.tell(connection, credit_list_store.begin(connection, event), event)


def _prolonged(
    connection: Connection, entry: Entry, run: NightRun, criteria: Criteria, policy: RatingPolicy, now: datetime
) -> bool:
    """Note the new breach of who is listed, where there is one; whether there was."""
    own = criteria.of(entry.kind)
    if entry.listed_at is None or not own:
        return False
    nights = credit_list_store.nights(
        connection, [entry.institution_id], run.as_of, since=entry.proposed_at, count_max=_NIGHTS_MAX,
        hits=any(each.vetoes for each in own),
    )[entry.institution_id]  # fmt: skip
    found = [each for one in own if (each := credit_grounds.breach(one, nights, entry)) is not None]
    if not found:
        return False
    grounds = max(found, key=lambda each: each.at)
    body = {
        "breach_at": grounds.at.isoformat(),
        "criterion": grounds.criterion.id,
        "grounds": sorted(frozenset().union(*(each.keys for each in found))),
        "facts": _facts(grounds, policy),
    }
    event = CreditEvent(uuid.uuid5(entry.id, f"prolong|{run.id}"), entry.id, Verb.PROLONG, now, ENGINE, body=body)
    try:
        with connection.transaction():
            credit_list_operate.act(connection, entry.id, entry.version, lambda _entry: event)
    except StepRefused as error:  # it does not move the end of the term
        log.info("no prolongation", entry=str(entry.id), why=str(error))
        return False
    return True


def _end(connection: Connection, entry: Entry, now: datetime) -> None:
    event = CreditEvent(
        uuid.uuid5(entry.id, f"remove|{entry.version}"), entry.id, Verb.REMOVE, now, ENGINE,
        body={"end": End.TERM.value},
    )  # fmt: skip
    credit_list_operate.act(connection, entry.id, entry.version, lambda _entry: event)
