"""Hazards in the database: the same steps through every door, the ledger of acts, photos, the list."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from alerting.people import Role, Scope
from inspection import decide, draw_store, hazard_list_store, hazard_store, operate, photo_store
from inspection.checklist import Level
from inspection.decide import Found
from inspection.errors import HazardChanged, HazardUnknown, PhotoRefused, PhotoUnknown, StepRefused
from inspection.hazard import By, Category, State, Supervisor, Verb
from inspection.hazard_list_store import Filter, Which
from inspection.hazard_steps import fold
from inspection.operate import Actor
from inspection.photo import Photo
from inspection.policy import default_policy, default_text
from tests.integration.dashboard_world import World, build
from tests.integration.people_world import add_user

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
POLICY = default_policy()
PICTURE = Photo(b"\xff\xd8" + b"x" * 200, 10, 10)
BROKEN = psycopg.errors.IntegrityConstraintViolation


class Desk:
    """People of the home and of its county, and a connection that commits at the end of each block."""

    def __init__(self, world: World) -> None:
        self.world = world
        with world.connect() as connection:
            self.nurse_id = add_user(connection, "nurse", Role.OPERATOR, Scope(world.home))[0]
            self.manager_id = add_user(connection, "manager", Role.INSTITUTION_MANAGER, Scope(world.home))[0]
            self.county_id = add_user(connection, "county", Role.SUPERVISOR, Scope(None, "220322"))[0]
            self.expert_id = add_user(connection, "expert", Role.EXPERT, Scope(None, "220322"))[0]
        self.nurse = By("user:nurse", self.nurse_id, outside=False)
        self.manager = By("user:manager", self.manager_id, outside=False)
        self.county = By("user:county", self.county_id, outside=True)
        self.expert = By("user:expert", self.expert_id, outside=True)

    def transaction(self) -> psycopg.Connection:
        return psycopg.connect(self.world.database_url, options="-c timezone=UTC")

    def report(self, level=Level.GENERAL, at=NOW, **more):
        found = Found(self.world.home, "通道堵塞", "二楼", Category.FIRE, level, Supervisor.DEPUTY, self.world.bedroom)
        with self.transaction() as connection:
            return operate.report(connection, replace(found, **more), Actor(self.nurse, at))

    def photo(self, person_id, institution_id=None):
        with self.transaction() as connection:
            return photo_store.keep(
                connection, PICTURE, institution_id=institution_id or self.world.home, uploader_id=person_id
            )

    def assign(self, hazard, at=NOW):
        with self.transaction() as connection:
            return operate.assign(
                connection, hazard.id, hazard.version, Actor(self.county, at), assignee_id=self.nurse_id, term=None,
                level=hazard.level, supervisor=hazard.supervisor, note="",
            )  # fmt: skip

    def rectify(self, hazard, at=NOW):
        photos = (self.photo(self.nurse_id),)
        with self.transaction() as connection:
            return operate.rectify(
                connection, hazard.id, hazard.version, Actor(self.nurse, at), measures="清走", photos=photos
            )

    def recheck(self, hazard, by, at=NOW, *, passed=True):
        with self.transaction() as connection:
            return operate.recheck(
                connection, hazard.id, hazard.version, Actor(by, at), passed=passed, note="看过", photos=()
            )

    def close(self, hazard, by, at=NOW):
        with self.transaction() as connection:
            return operate.close(connection, hazard.id, hazard.version, Actor(by, at), note="")


@pytest.fixture
def desk(database_url) -> Desk:
    return Desk(build(database_url))


def test_the_row_is_the_fold_of_its_events_and_every_act_is_in_the_ledger(desk: Desk):
    hazard = desk.report()
    for _ in range(2):
        hazard = desk.recheck(
            desk.rectify(hazard if hazard.deadline else desk.assign(hazard)), desk.manager, passed=False
        )
    hazard = desk.close(desk.recheck(desk.rectify(hazard), desk.expert), desk.county)
    assert (hazard.state, hazard.failures, hazard.no) == (State.CLOSED, 2, 1)
    with desk.transaction() as connection:
        entries = hazard_store.events_of(connection, hazard.id)
        folded = None
        for entry in entries:
            folded = fold(folded, entry.event)
        assert replace(folded, no=1) == hazard == hazard_store.load(connection, hazard.id)
        acts = connection.execute(
            "SELECT actor, verb, body->>'person_id' FROM acts WHERE subject = %s ORDER BY id", (f"hazard:{hazard.id}",)
        ).fetchall()
        assert [verb for _, verb, _ in acts] == [f"hazard_{entry.event.verb}" for entry in entries]
        assert all(int(person) == entry.event.by.person_id for (_, _, person), entry in zip(acts, entries, strict=True))
        chained = connection.execute("SELECT count(*) FROM ledger WHERE source = 'acts'").fetchone()[0]
        assert chained == connection.execute("SELECT count(*) FROM acts").fetchone()[0]


def test_a_stale_version_and_an_unknown_hazard_are_refused(desk: Desk):
    hazard = desk.report()
    desk.assign(hazard)
    with pytest.raises(HazardChanged):
        desk.assign(hazard)
    with pytest.raises(HazardUnknown):
        desk.assign(replace(hazard, id=uuid.uuid4()))


def test_nobody_is_given_a_hazard_who_cannot_rectify_there(desk: Desk):
    hazard = desk.report()
    with desk.transaction() as connection:
        elsewhere = add_user(connection, "stranger", Role.OPERATOR, Scope(desk.world.station))[0]
    for person in (desk.expert_id, elsewhere, 999):
        with desk.transaction() as connection, pytest.raises(StepRefused, match="cannot rectify"):
            operate.assign(
                connection, hazard.id, 1, Actor(desk.county, NOW), assignee_id=person, term=None, level=hazard.level,
                supervisor=hazard.supervisor, note="",
            )  # fmt: skip


def forge(connection, hazard, verb, by, seq=None, **more) -> None:
    """Write an event past the code."""
    connection.execute(
        "INSERT INTO hazard_events (event_id, hazard_id, seq, verb, at, actor, person_id, outside, passed, note, body)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, '', %s)",
        (
            uuid.uuid4(), hazard.id, seq or hazard.version + 1, verb, more.get("at", NOW), by.actor, by.person_id,
            more.get("outside", by.outside), more.get("passed"), Jsonb({}),
        ),
    )  # fmt: skip


REWRITING = (
    "UPDATE hazards SET state = 'closed', version = version + 1",
    "UPDATE hazards SET deadline = deadline + interval '1 year'",
    "UPDATE hazards SET version = version + 1",
    "UPDATE hazards SET title = 'nothing'",
    "UPDATE hazards SET reporter_id = NULL",
    "UPDATE hazards SET state = 'withdrawn', withdrawn_at = now(), withdrawn_by = 'x', version = version + 1",
    "DELETE FROM hazards",
    "TRUNCATE hazards CASCADE",
    "UPDATE hazard_events SET note = 'x'",
    "DELETE FROM hazard_events",
    "TRUNCATE hazard_events",
)


def test_sql_cannot_change_what_happened(desk: Desk):
    desk.rectify(desk.assign(desk.report()))
    with desk.world.connect() as connection:
        for statement in REWRITING:
            with pytest.raises(BROKEN):
                connection.execute(statement)


def test_sql_cannot_take_a_step_that_is_none(desk: Desk):
    reported, waiting = desk.report(), desk.rectify(desk.assign(desk.report()))
    overdue = desk.assign(desk.report())
    major = desk.rectify(desk.assign(desk.report(level=Level.MAJOR)))
    with desk.world.connect() as connection:
        for hazard, verb, by, more in (
            (reported, "close", desk.county, {}),
            (reported, "rectify", desk.nurse, {}),
            (reported, "report", desk.nurse, {}),
            (reported, "assign", desk.county, {"seq": 5}),
            (reported, "withdraw", desk.manager, {}),  # neither reported it nor comes from outside
            (overdue, "withdraw", desk.county, {"at": NOW + timedelta(days=90)}),
            (overdue, "withdraw", desk.nurse, {}),  # it has been assigned
            (waiting, "withdraw", desk.county, {}),
            (waiting, "close", desk.county, {}),
            (waiting, "recheck", desk.nurse, {"passed": True}),  # who rectified it
            (waiting, "propose", desk.manager, {}),
            (waiting, "extend", desk.county, {}),
            (major, "recheck", desk.manager, {"passed": True}),  # not from outside
            (major, "recheck", desk.manager, {"passed": True, "outside": True}),  # nor by saying so
            (waiting, "recheck", By("policy", None, outside=True), {"passed": True}),  # no person
        ):
            with pytest.raises(psycopg.IntegrityError):
                forge(connection, hazard, verb, by, **more)
        with pytest.raises(BROKEN, match="does not stand as its events say"):
            forge(connection, waiting, "comment", desk.county)  # an event without its fold
        with pytest.raises(BROKEN, match="begins with its report"):
            connection.execute(
                "INSERT INTO hazards (id, institution_id, origin, category, level, supervisor, title, detail, state,"
                " version, reported_at, reported_by, clause, occurrence, failures, extensions, escalated)"
                " SELECT gen_random_uuid(), institution_id, origin, category, level, supervisor, title, detail,"
                " 'reported', 1, reported_at, reported_by, clause, 1, 0, 0, 0 FROM hazards WHERE id = %s",
                (reported.id,),
            )


VERBS = [each for each in Verb if each is not Verb.REPORT]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tries=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 3), st.booleans()), max_size=12),
    major=st.booleans(),
)
def test_code_and_sql_allow_the_same_steps(desk: Desk, tries, major: bool):
    """Each step is tried in SQL past the code, in a savepoint that is undone: refused there means refused here."""
    hazard = desk.report(level=Level.MAJOR if major else Level.GENERAL)
    people = (desk.nurse, desk.manager, desk.county, desk.expert)
    for verb, who, passed in tries:
        by = people[who]
        more = {"passed": passed} if verb is Verb.RECHECK else {}
        body = {
            Verb.ASSIGN: {"assignee_id": desk.nurse_id, "term": "days-3", "level": hazard.level.value,
                          "supervisor": "head", "deadline": (hazard.deadline or NOW + timedelta(days=3)).isoformat()},
            Verb.RECTIFY: {"photos": ["x"]},
            Verb.ASK_EXTENSION: {"until": (NOW + timedelta(days=9)).isoformat()},
            Verb.PROPOSE: {"proposal": "close"},
            Verb.ESCALATE: {"step": hazard.escalated + 1, "assign_by": (NOW - timedelta(hours=1)).isoformat()},
        }.get(verb, {})  # fmt: skip
        event = decide.event(hazard, verb, by, NOW, "x", passed=more.get("passed"), body=body)
        try:
            fold(hazard, event)
            agreed = True
        except StepRefused:
            agreed = False
        with desk.transaction() as connection:
            try:
                with connection.transaction(force_rollback=True):
                    forge(connection, hazard, verb.value, by, **more)
            except psycopg.IntegrityError:
                assert not agreed, (hazard.state, verb, by)
        if agreed:
            with desk.transaction() as connection:
                hazard, _ = hazard_store.act(connection, hazard.id, None, lambda _, event=event: event)


def test_photos_belong_to_one_event_for_good(desk: Desk):
    hazard = desk.assign(desk.report())
    mine, others = desk.photo(desk.nurse_id), desk.photo(desk.manager_id)
    elsewhere = desk.photo(desk.nurse_id, desk.world.station)

    def rectify(photos):
        with desk.transaction() as connection:
            return operate.rectify(
                connection, hazard.id, hazard.version, Actor(desk.nurse, NOW), measures="清走", photos=photos
            )

    for photos in ((others,), (elsewhere,), (uuid.uuid4(),), (mine, others)):
        with pytest.raises(PhotoUnknown):
            rectify(photos)
    with pytest.raises(PhotoRefused, match="at most 9"):
        rectify(tuple(uuid.uuid4() for _ in range(10)))
    done = rectify((mine,))
    with desk.world.connect() as connection:
        bound = photo_store.place(connection, mine)
        assert (bound.hazard_id, bound.event_seq) == (done.id, done.version)
        for statement in ("UPDATE hazard_photos SET jpeg = jpeg || 'x'", "DELETE FROM hazard_photos"):
            with pytest.raises(BROKEN, match="stays as it is"):
                connection.execute(f"{statement} WHERE hazard_id IS NOT NULL".encode())
        assert photo_store.drop_loose(connection) == 0
    for _ in range(photo_store.LOOSE_COUNT_MAX - 1):  # one of elsewhere is loose already
        desk.photo(desk.nurse_id)
    with pytest.raises(PhotoRefused, match="not used yet"):
        desk.photo(desk.nurse_id)


def test_the_list_is_filtered_sorted_and_paged(desk: Desk):
    hazards = [desk.report(title=f"第 {number} 条", zone_id=None) for number in range(1, 8)]
    for hazard, days in zip(hazards[:4], (9, 1, 5, 3), strict=True):
        desk.assign(hazard, at=NOW - timedelta(days=days))
    later = NOW + timedelta(days=3)

    def numbers(narrowed, count_max=3):
        found, after = [], None
        with desk.transaction() as connection:
            while True:
                page, after = hazard_list_store.page(connection, narrowed, after, count_max, later, POLICY)
                assert len(page) <= count_max
                found += [each.no for each in page]
                if after is None:
                    assert len(found) == hazard_list_store.count(connection, narrowed, later, POLICY)
                    return found

    assert numbers(Filter(Which.OPEN)) == [5, 6, 7, 1, 3, 4, 2]  # nobody's first, then the earliest deadline
    assert numbers(Filter(Which.ALL)) == [7, 6, 5, 4, 3, 2, 1]
    assert numbers(Filter(Which.OVERDUE)) == [1, 3]
    assert numbers(Filter(Which.UNASSIGNED)) == [5, 6, 7]
    assert numbers(Filter(Which.BULLETIN)) == [1]  # a general one after three days
    assert numbers(Filter(Which.OPEN, text="第 3")) == [3]
    assert numbers(Filter(Which.OPEN, text="yh-000004")) == [4]
    assert numbers(Filter(Which.OPEN, text="安和")) == [5, 6, 7, 1, 3, 4, 2]
    assert numbers(Filter(Which.OPEN, text="%")) == []
    assert numbers(Filter(Which.OPEN, within=[desk.world.station])) == []
    assert numbers(Filter(Which.OPEN, assignee_id=desk.nurse_id)) == [1, 3, 4, 2]
    assert numbers(Filter(Which.OPEN, level=Level.MAJOR)) == []
    with desk.transaction() as connection:
        operate.withdraw(
            connection, hazards[5].id, 1, Actor(desk.county, NOW), reason="走廊本来就空", supervises=True
        )  # fmt: skip
    assert numbers(Filter(Which.OPEN)) == [5, 7, 1, 3, 4, 2]
    assert numbers(Filter(Which.WITHDRAWN)) == [6]
    assert numbers(Filter(Which.ALL)) == [7, 6, 5, 4, 3, 2, 1]
    with desk.transaction() as connection:
        summary = hazard_list_store.summary(connection, Filter(Which.OPEN), later, POLICY)
    assert (summary.open, summary.unassigned, summary.overdue, summary.bulletin, summary.yellow) == (6, 2, 2, 1, 6)
    assert (summary.withdrawn, summary.closed, summary.assign_late) == (1, 0, 2)
    with desk.transaction() as connection:
        soon = hazard_list_store.summary(connection, Filter(Which.OPEN), NOW + timedelta(hours=24), POLICY)
        after = hazard_list_store.summary(connection, Filter(Which.OPEN), NOW + timedelta(hours=24, seconds=1), POLICY)
    assert (soon.assign_late, after.assign_late) == (0, 2)
    assert summary.due_soon == 1  # number 4, with less than a day left


def test_the_same_thing_again_is_recognised(desk: Desk):
    first = desk.close(desk.recheck(desk.rectify(desk.assign(desk.report())), desk.expert), desk.county)
    again = desk.report(at=NOW + timedelta(days=30))
    assert (again.repeat_of, again.occurrence) == (first.id, 2)
    assert desk.report(at=NOW + timedelta(days=30), zone_id=desk.world.kitchen).repeat_of is None
    # What was withdrawn was never found, and nothing repeats it.
    hazard = desk.report(level=Level.MAJOR, zone_id=desk.world.kitchen)
    with desk.transaction() as connection:
        before = draw_store.risks(connection, [desk.world.home], NOW)[desk.world.home]
        withdrawn = operate.withdraw(
            connection, hazard.id, 1, Actor(desk.county, NOW), reason="把仓库当成了通道", supervises=True
        )
        after = draw_store.risks(connection, [desk.world.home], NOW)[desk.world.home]
        assert (before.major, after.major) == (1, 0)
        assert hazard_store.load(connection, hazard.id) == withdrawn
        assert (withdrawn.state, withdrawn.reporter_id) == (State.WITHDRAWN, desk.nurse_id)
        assert [entry.event.verb for entry in hazard_store.events_of(connection, hazard.id)] == [
            Verb.REPORT, Verb.WITHDRAW
        ]  # fmt: skip
        verbs = connection.execute("SELECT verb FROM acts WHERE subject = %s ORDER BY id", (f"hazard:{hazard.id}",))
        assert [row[0] for row in verbs] == ["hazard_report", "hazard_withdraw"]
    again = desk.report(level=Level.MAJOR, at=NOW + timedelta(days=1), zone_id=desk.world.kitchen)
    assert (again.repeat_of, again.occurrence) == (None, 1)


def test_a_policy_is_put_in_force_once_and_on_record(desk: Desk):
    with desk.transaction() as connection:
        operate.install_policy(connection)
        operate.install_policy(connection)
        text = default_text().replace("days = 365", "days = 30")
        made = operate.policy_in_force(connection)
        assert made == POLICY
        assert hazard_store.save_policy(connection, version="2", sha256="x", body=text, loaded_by="cli:王工")
        assert operate.policy_in_force(connection).repeat_within == timedelta(days=30)
        assert connection.execute("SELECT actor FROM acts WHERE verb = 'load_hazard_policy'").fetchall() == [
            ("anhu: first start",), ("cli:王工",)
        ]  # fmt: skip
