"""The supervision wall on a real database: its figures against what was put there, and nobody sees beyond
their reach."""

import math
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from alerting import suppression_store
from alerting.alert import Kind, Priority, Verb
from alerting.people import Scope
from alerting.suppression import Means, Suppression
from dashboard import present_wall, wall
from inspection.institution_file_operate import today
from tests.integration.dashboard_world import build, serve
from tests.integration.wall_world import CITY, DAY, HOUR, NEAR, NEXT, Bureau, build_bureau, some_waits

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def bureau(shared_database_url):
    made = build_bureau(build(shared_database_url))
    with serve(made.world) as made.server:
        yield made


def quantile(waits: list[float | None], share: float) -> float | None:
    """The smallest wait that so large a share does not exceed; None: it has not ended yet."""
    ordered = sorted(math.inf if each is None else each for each in waits)
    found = ordered[max(1, math.ceil(share * len(ordered))) - 1]
    return None if math.isinf(found) else found


def test_alarms_are_counted_by_day_and_answers_by_priority(bureau: Bureau):
    rng, now = random.Random(7), datetime.now(UTC)
    raised: dict[str, list[tuple[datetime, float | None]]] = {"critical": [], "high": []}
    for priority, place in (("critical", bureau.world.home), ("high", bureau.second)):
        for wait in some_waits(rng, 25):
            at = now - rng.uniform(0.5, 29) * DAY
            raised[priority].append((at, wait))
            # each of a place of its own: at most one of a sort is open
            bureau.alert(place, at, wait, priority=priority, unclaimed=f"d-{len(raised[priority])}")
    bureau.alert(bureau.world.home, now - HOUR, 1.0, drill=True)
    bureau.alert(bureau.world.home, now - 45 * DAY, 1.0)
    alarms = bureau.ask("near")["alarms"]
    days = Counter((at + 8 * HOUR).date().isoformat() for at, _ in raised["critical"])
    assert {each["day"]: each["counts"]["critical"] for each in alarms["days"] if each["counts"]["critical"]} == days
    assert [each["day"] for each in alarms["days"]] == sorted({each["day"] for each in alarms["days"]})
    assert len(alarms["days"]) == 30
    assert [each["priority"] for each in alarms["responses"]] == ["critical", "high"]
    for found in alarms["responses"]:
        expected = raised[found["priority"]]
        waits = [wait for _, wait in expected]
        assert found["raised"] == len(expected)
        assert found["raised_24h"] == sum(at > now - DAY for at, _ in expected)
        assert found["acknowledged"] == sum(wait is not None for wait in waits)
        assert (found["median_s"], found["p90_s"]) == (quantile(waits, 0.5), quantile(waits, 0.9))
        assert found["p90_s"] is None  # a fifth still waits, and that is not left out
        in_time = sum(wait is not None and wait <= 60 for wait in waits)  # then the policy calls the safety officer
        assert (found["due"], found["in_time"], found["share"]) == (25, in_time, in_time / 25)
    assert bureau.ask("next")["alarms"]["responses"] == []


def test_an_alarm_of_a_moment_ago_is_not_due_yet(bureau: Bureau):
    before = bureau.ask("next")["alarms"]["responses"]
    assert before == []
    fresh = bureau.alert(bureau.other, datetime.now(UTC), None, open_=True)
    [found] = bureau.ask("next")["alarms"]["responses"]
    assert (found["raised"], found["raised_24h"], found["due"], found["share"]) == (1, 1, 0, None)
    assert bureau.why(bureau.other) == ["critical_waiting"]
    with bureau.writing() as connection:
        connection.execute("DELETE FROM alerts WHERE id = %s", (fresh,))


def test_who_calls_comes_first_with_who_was_told_and_what_is_kept_quiet_does_not_call(bureau: Bureau):
    with bureau.writing() as connection:
        connection.execute("DELETE FROM alerts")
    old = datetime.now(UTC) - 2 * HOUR
    fire = bureau.alert(bureau.second, old, None, open_=True)
    bureau.alert(bureau.world.home, old, None, open_=True, priority=Priority.HIGH, kind=Kind.SOS)
    bureau.alert(bureau.world.home, old, None, open_=True, priority=Priority.MEDIUM, kind=Kind.ANOMALY)
    with bureau.writing() as connection:
        for name, after_s in (("near", 60), ("city", 5)):
            connection.execute(
                "INSERT INTO tellings VALUES (%s, 0, 1, 0, %s, %s, '{}', false, NULL, NULL, false)",
                (fire, bureau.people[name], old + timedelta(seconds=after_s)),
            )
    calls = bureau.ask("near", "/calls")
    assert [(each["alert"]["priority"], each["told"]) for each in calls["items"]] == [
        ("critical", ["city", "near"]),
        ("high", []),
    ]
    assert (calls["total"], bureau.ask("near", "/calls", limit=1)["total"]) == (2, 2)
    assert bureau.ask("expert", "/calls")["items"][0]["told"] is None  # an expert may not see who was told
    assert bureau.ask("next", "/calls") == {"items": [], "total": 0}
    order = [each["institution"]["id"] for each in bureau.ask("city", "/institutions")["items"]]
    assert order == [bureau.second, bureau.world.home, bureau.other]
    assert bureau.ask("city", "/institutions")["states"] == {"alarm": 2, "normal": 1}
    first = bureau.row("city", bureau.second)["reasons"][0]
    assert (first["why"], first["count"]) == ("critical_waiting", 1)
    assert datetime.fromisoformat(first["since"]) == old.replace(microsecond=old.microsecond // 1000 * 1000)

    now = datetime.now(UTC)
    quiet = Suppression(
        0, Means.MAINTENANCE, bureau.second, None, None, None, "x", "user:x", now, now + timedelta(minutes=20)
    )
    with psycopg.connect(bureau.world.database_url) as connection:
        begun = suppression_store.begin(connection, quiet)
    assert bureau.why(bureau.second) == ["critical_open"]  # it is still there, and still the first thing to look at
    assert bureau.row("city", bureau.second)["state"] == "alarm"
    assert [each["alert"]["priority"] for each in bureau.ask("near", "/calls")["items"]] == ["high"]
    with psycopg.connect(bureau.world.database_url) as connection:
        suppression_store.end(connection, begun.id, actor="user:x", now=datetime.now(UTC))
    assert bureau.why(bureau.second) == ["critical_waiting"]
    with bureau.writing() as connection:
        connection.execute("DELETE FROM tellings")
        connection.execute("DELETE FROM alerts")


def test_hazards_ratings_fire_acceptance_and_campaigns(bureau: Bureau):
    now, home, second, other = datetime.now(UTC), bureau.world.home, bureau.second, bureau.other
    for state, reported, deadline in (
        ("assigned", now - 20 * DAY, now - 2 * DAY), ("assigned", now - 20 * DAY, now + DAY),
        ("closed", now - 90 * DAY, None), ("withdrawn", now - 5 * DAY, None), ("closed", now - 400 * DAY, None),
    ):  # fmt: skip
        bureau.hazard(home, "major", "reported" if state == "withdrawn" else state, reported, deadline)
        if state == "withdrawn":
            with bureau.past() as connection:
                connection.execute(
                    "UPDATE hazards SET state = 'withdrawn', withdrawn_at = now(), withdrawn_by = 'x'"
                    " WHERE state = 'reported'"
                )
    bureau.hazard(second, "general", "assigned", now - 500 * DAY, now - 3 * DAY)
    bureau.hazard(other, "general", "rectified", now - 9 * DAY, now - 3 * DAY)  # waits for others: not overdue
    bureau.rating(home, now - 40 * DAY, 9500, "A", 0.5)
    bureau.rating(home, now - 31 * DAY, 9100, "A", 0.5)
    bureau.rating(home, now - DAY, 6500, "C", 2.0)
    bureau.rating(other, now - 40 * DAY, 7600, "B", 1.0)
    bureau.rating(other, now - DAY, 9600, "A", 0.5)
    day = today(now)
    bureau.gap(second, day - 3 * DAY)
    bureau.gap(other, day + 10 * DAY)
    bureau.campaign(CITY, day - DAY, day + 4 * DAY, [home, other])
    bureau.campaign(NEXT, day, day, [])
    bureau.campaign(NEAR, day + DAY, day + 4 * DAY, [])  # not yet

    found = bureau.ask("city")
    assert found["major"] == {"open": 2, "overdue": 1, "reported": 3, "closed": 1}
    assert found["general"] == {"open": 2, "overdue": 1, "reported": 1, "closed": 0}
    assert found["major_overdue"] == [home]
    assert found["ratings"]["grades"] == {"A": 1, "B": 0, "C": 1, "D": 0}
    assert found["ratings"]["unrated"] == 1
    moves = [(each["institution"]["id"], each["change"]) for each in found["ratings"]["movers"]]
    assert (moves, found["ratings"]["fell"], found["ratings"]["rose"]) == ([(home, -2), (other, 1)], 1, 1)
    fire = [(each["institution"]["id"], each["days_left"]) for each in found["fire"]["items"]]
    assert (fire, found["fire"]["left"], found["fire"]["overdue"]) == ([(second, -3), (other, 10)], 2, 1)
    campaigns = [(each["region"], each["days_left"], each["visits"]) for each in found["campaigns"]]
    assert campaigns == [(NEXT, 0, 0), (CITY, 4, 2)]
    assert found["devices"] == {"total": 4, "offline": 0, "silent_institutions": 0}

    assert bureau.why(home) == ["major_overdue", "major_open", "grade"]  # one major hazard each
    assert bureau.why(second) == ["fire_overdue", "overdue"]
    assert bureau.why(other) == []
    ranks = [each["institution"]["id"] for each in bureau.ask("city", "/institutions")["items"]]
    assert ranks == [home, second, other]

    # The two counties differ, and together they are the city.
    near, next_ = bureau.ask("near"), bureau.ask("next")
    assert (near["general"]["open"], next_["general"]["open"]) == (1, 1)
    assert (near["major_overdue"], next_["major_overdue"]) == ([home], [])
    assert [each["change"] for each in near["ratings"]["movers"]] == [-2]
    assert [each["change"] for each in next_["ratings"]["movers"]] == [1]
    assert [each["visits"] for each in near["campaigns"]] == [1]  # the city's, as far as it concerns the county
    assert [each["visits"] for each in next_["campaigns"]] == [0, 1]
    for what in ("major", "general"):
        for each in ("open", "overdue", "reported", "closed"):
            assert found[what][each] == near[what][each] + next_[what][each]
    nurse = bureau.ask("nurse")
    assert nurse["campaigns"] == []  # an unannounced visit must not be known there
    assert (nurse["major"]["open"], nurse["general"]["open"]) == (2, 0)


def test_the_table_is_sorted_filtered_and_paged_by_the_server(bureau: Bureau):
    def ids(username: str = "city", **query: object) -> list[int]:
        found = bureau.ask(username, "/institutions", **query)
        assert found["total"] >= len(found["items"])
        return [each["institution"]["id"] for each in found["items"]]

    home, second, other = bureau.world.home, bureau.second, bureau.other
    everybody = {home, second, other}
    assert set(ids()) == everybody
    assert ids(sort="risk", backwards=True) == ids()[::-1]
    assert ids(limit=1, offset=1) == ids()[1:2]
    assert bureau.ask("city", "/institutions", limit=1)["total"] == 3
    assert ids(sort="region")[-1] == other
    assert ids(sort="grade")[0] == home  # the worst first, who has none last
    assert ids(sort="grade")[-1] == second
    assert ids(sort="hazards")[:2] == [home, second]
    assert ids(q="kangle") == [second]
    assert ids(region=NEXT) == [other]
    assert ids(grade="C") == [home]
    assert ids(state="major_overdue") == [home]
    assert ids(state="offline") == []
    assert bureau.ask("city", "/institutions")["regions"] == {NEAR: 2, NEXT: 1}
    client = bureau.clients["city"]
    assert client.get("/api/wall/institutions?sort=nothing").status_code == 422
    assert client.get("/api/wall/institutions?limit=1000").status_code == 422


def test_nobody_sees_beyond_their_reach(bureau: Bureau):
    foreign = ("邻县", "Next County", "home-9")
    for username, places in (("near", 2), ("nurse", 1), ("next", 1), ("city", 3)):
        found = bureau.ask(username, "/institutions")
        assert found["total"] == places, username
        for path in ("", "/calls", "/institutions"):
            text = str(bureau.ask(username, path))
            assert any(word in text for word in foreign) is (username in ("next", "city") and path != "/calls"), path
    client = bureau.clients["near"]
    missing = client.get("/api/wall/institutions/999999")
    answer = client.get(f"/api/wall/institutions/{bureau.other}")
    assert (answer.status_code, missing.status_code) == (404, 404)
    assert answer.json()["detail"].replace(str(bureau.other), "999999") == missing.json()["detail"]


def test_a_silent_home_is_drawn_so_and_counts_its_devices(bureau: Bureau):
    world = bureau.world
    world.say(Verb.RAISE, None, Kind.OFFLINE, priority=Priority.HIGH, rule="silent")
    row = bureau.row("near", world.home)
    assert [each["why"] for each in row["reasons"]][:2] == ["major_overdue", "silent"]
    assert (row["state"], row["offline_count"]) == ("major_overdue", 4)
    assert bureau.ask("near")["devices"] == {"total": 4, "offline": 4, "silent_institutions": 1}
    # That it is silent calls, but is no alarm of people.
    assert [each["alert"]["kind"] for each in bureau.ask("near", "/calls")["items"]] == ["offline"]
    assert bureau.ask("city", "/institutions", sort="offline")["items"][0]["institution"]["id"] == world.home


def test_the_number_of_questions_does_not_grow_with_the_institutions(bureau: Bureau, monkeypatch):
    asked = []
    execute = psycopg.Cursor.execute

    def counted(self, query, *more, **options):
        asked.append((self.connection, query))
        return execute(self, query, *more, **options)

    def questions() -> int:
        asked.clear()
        now = datetime.now(UTC)
        with bureau.world.connect() as connection, monkeypatch.context() as patch:
            patch.setattr(psycopg.Cursor, "execute", counted)
            facts = wall.gather(connection, None, now)
            shown = present_wall.figures(connection, facts, None, Scope(None, ""), now)
            present_wall.calls(connection, facts.calling, 20, now, names=True)
            assert shown.devices.total >= 4
            return sum(by is connection for by, _ in asked)  # not those of the server beside

    questions()  # what is put in force at the first question
    before = questions()
    now = datetime.now(UTC)
    with bureau.world.connect() as connection:
        connection.execute(
            "INSERT INTO institutions (code, name, kind, region) SELECT 'n-' || n, 'n', 'nursing_home', '220324'"
            " FROM generate_series(1, 6) n"
        )
        places = [row[0] for row in connection.execute("SELECT id FROM institutions WHERE code LIKE 'n-%'")]
    for place in places:
        bureau.alert(place, now - HOUR, None, open_=True)
        bureau.hazard(place, "major", "assigned", now - 9 * DAY, now - DAY)
        bureau.rating(place, now - 40 * DAY, 9500, "A", 0.5)
        bureau.rating(place, now - DAY, 100, "D", 4.0)
        bureau.gap(place, today(now) + DAY)
    assert questions() == before
    assert before <= 25
