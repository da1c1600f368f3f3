"""From records to the shapes of the supervision wall."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from alerting import calling_store, oncall_store, response, response_store
from alerting.alert import Alert, Priority
from alerting.escalation import CHINA
from alerting.people import Scope
from dashboard import present, present_rating, schemas
from dashboard.schemas import wall as shapes
from dashboard.schemas.ratings import RatedInstitution
from dashboard.wall import Facts, Placed
from ingest.database import Connection
from inspection import campaign_progress_store, hazard_list_store, rating_store
from inspection.checklist import Level
from inspection.hazard_list_store import Closing
from inspection.institution_file_operate import today

DAYS: Final = 30
CLOSING_DAYS: Final = 365  # of the hazards reported so long ago or later: how many are closed
_MOVERS_MAX: Final = 5
_FIRE_MAX: Final = 6


def institution(placed: Placed) -> shapes.WallInstitution:
    """An institution in the order of risk."""
    standing = placed.standing
    return shapes.WallInstitution(
        rank=placed.rank,
        institution=RatedInstitution.model_validate(placed.entry),
        state=placed.state,
        reasons=[shapes.WallReason.model_validate(each) for each in placed.reasons],
        open_alerts=_by_priority(placed.summary.open_alerts),
        hazards_overdue=standing.overdue.count + standing.major_overdue.count,
        major_overdue=standing.major_overdue.count,
        grade=standing.grade,
        device_count=standing.device_count,
        offline_count=standing.offline_count,
    )


def calls(
    connection: Connection, found: Collection[Alert], count_max: int, now: datetime, *, names: bool
) -> shapes.WallCalls:
    """The first `count_max` of the alarms that call, with `names` also who has been told of them."""
    shown = list(found)[:count_max]
    told = calling_store.told(connection, [each.id for each in shown]) if names else {}
    items = [
        shapes.WallCall(alert=each, told=told.get(each.id, []) if names else None)
        for each in present.alerts(connection, shown, now)
    ]
    return shapes.WallCalls(items=items, total=len(found))


def figures(
    connection: Connection, facts: Facts, within: Collection[int] | None, scope: Scope, now: datetime
) -> shapes.Wall:
    """Everything the wall counts."""
    places = {each.entry.id: each for each in facts.placed}
    since = now - timedelta(days=CLOSING_DAYS)
    closing = {each.level: each for each in hazard_list_store.closing(connection, within, since)}
    return shapes.Wall(
        as_of=now,
        alarms=_alarms(connection, facts, within, now),
        major=_hazards(facts, closing.get(Level.MAJOR), Level.MAJOR),
        general=_hazards(facts, closing.get(Level.GENERAL), Level.GENERAL),
        closing_days=CLOSING_DAYS,
        ratings=_ratings(connection, within, now),
        devices=_devices(facts.placed),
        fire=_fire(facts, places, today(now)),
        campaigns=_campaigns(connection, within, scope, today(now)),
        major_overdue=[each.entry.id for each in facts.placed if each.standing.major_overdue.count],
    )


def _alarms(
    connection: Connection, facts: Facts, within: Collection[int] | None, now: datetime
) -> shapes.WallAlarms:  # fmt: skip
    first = today(now) - timedelta(days=DAYS - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=CHINA)
    by_day: dict[date, dict[Priority, int]] = {first + timedelta(days=number): {} for number in range(DAYS)}
    for each in response_store.per_day(connection, within, since, now):
        by_day[each.day][each.priority] = each.raised
    targets = response.targets(oncall_store.policy_in_force(connection))
    answered = response_store.responses(connection, within, now - timedelta(days=DAYS), now, targets)
    open_now: Counter[Priority] = Counter()
    for group in facts.groups:
        open_now[group.priority] += group.open_count
    return shapes.WallAlarms(
        open=_by_priority(open_now),
        waiting=len(facts.calling),
        days=[shapes.WallDay(day=day, counts=_by_priority(counts)) for day, counts in by_day.items()],
        responses=[shapes.WallResponse.model_validate(each) for each in answered],
    )


def _hazards(facts: Facts, closing: Closing | None, level: Level) -> shapes.WallHazards:
    rows = [each for each in facts.hazards if each.level is level]
    return shapes.WallHazards(
        open=sum(each.open for each in rows),
        overdue=sum(each.overdue for each in rows),
        reported=closing.reported if closing else 0,
        closed=closing.closed if closing else 0,
    )


def _ratings(connection: Connection, within: Collection[int] | None, now: datetime) -> shapes.WallRatings:
    found = rating_store.standings(connection, within=within, now=now)
    in_force = rating_store.load_policy(connection)
    counted = Counter(each.grade for each in found if each.grade is not None)
    names = [each.id for each in in_force[1].grades] if in_force else []
    changed = [each for each in found if each.grade is not None and each.grade != each.earlier_grade]
    moved = [each for each in present_rating.rows(connection, changed) if each.change]
    fell = sorted((each for each in moved if (each.change or 0) < 0), key=lambda each: each.change or 0)
    rose = sorted((each for each in moved if (each.change or 0) > 0), key=lambda each: -(each.change or 0))
    return shapes.WallRatings(
        grades={name: counted[name] for name in [*names, *sorted(counted.keys() - set(names))]},
        unrated=sum(each.grade is None for each in found),
        change_days=rating_store.CHANGE_DAYS,
        fell=len(fell),
        rose=len(rose),
        movers=fell[:_MOVERS_MAX] + rose[:_MOVERS_MAX],
    )


def _devices(placed: Iterable[Placed]) -> shapes.WallDevices:
    standings = [each.standing for each in placed]
    return shapes.WallDevices(
        total=sum(each.device_count for each in standings),
        offline=sum(each.offline_count for each in standings),
        silent_institutions=sum(0 < each.device_count <= each.offline_count for each in standings),
    )


def _fire(facts: Facts, places: Mapping[int, Placed], day: date) -> shapes.WallFire:
    dated = sorted((each.due_on, each.institution_id, each.open_count) for each in facts.fire if each.due_on)
    return shapes.WallFire(
        known=sum(each.known_count > 0 for each in facts.fire),
        left=sum(each.open_count > 0 for each in facts.fire),
        open_gaps=sum(each.open_count for each in facts.fire),
        overdue=sum(due_on < day for due_on, _, _ in dated),
        unsaid=sum(each.state is None for each in facts.fire),
        items=[
            shapes.WallFireRow(
                institution=RatedInstitution.model_validate(places[number].entry),
                open_count=count,
                due_on=due_on,
                days_left=(due_on - day).days,
            )
            for due_on, number, count in dated[:_FIRE_MAX]
        ],
    )


def _campaigns(
    connection: Connection, within: Collection[int] | None, scope: Scope, day: date
) -> list[shapes.WallCampaign]:
    inside = scope.institution_id is not None
    found = campaign_progress_store.running(connection, within, scope.region, day, inside=inside)
    return [
        shapes.WallCampaign(
            id=each.id, theme=each.theme, region=each.region, ends_on=each.ends_on,
            days_left=(each.ends_on - day).days, visits=each.visits, begun=each.begun, concluded=each.concluded,
        )
        for each in found
    ]  # fmt: skip


def _by_priority(counts: Mapping[Priority, int]) -> schemas.OpenAlerts:
    return schemas.OpenAlerts(**{each.value: counts.get(each, 0) for each in Priority})
