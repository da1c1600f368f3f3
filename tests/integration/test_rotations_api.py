"""Rotations and stand-ins over the API and the command line: what is shown is what the notifier does."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from alerting import ledger, ledger_store, oncall, oncall_store
from alerting.escalation import CHINA, Reach, Target
from alerting.people import Role
from ingest import store as ingest_store
from tests.integration.dashboard_world import Served, serve
from tests.integration.people_world import Two, build_two

pytestmark = pytest.mark.integration


@pytest.fixture
def two(database_url: str) -> Two:
    return build_two(database_url)


def wanted(two: Two, *members: int, replaces: int | None, name: str = "日班") -> dict[str, object]:
    """Twelve-hour shifts that began today."""
    return {
        "name": name, "role": "operator", "scope": {"institution_id": two.world.home}, "members": list(members),
        "anchor": datetime.now(CHINA).date().isoformat(), "starts": ["20:00", "08:00"], "shifts_per_turn": 1,
        "replaces": replaces,
    }  # fmt: skip


def told_now(two: Two) -> set[int]:
    """Whom the notifier would tell of an alert at the home now."""
    now = datetime.now(UTC)
    with two.world.connect() as connection:
        home = ingest_store.load_registry(connection).institutions[two.world.home]
        target = Target(Role.OPERATOR, Reach.INSTITUTION, on_call=True)
        return {who.id for who in oncall.find(oncall_store.roster(connection, now), target, home, now)[0]}


def acts(two: Two, *verbs: str) -> list[tuple[str, str]]:
    with two.world.connect() as connection:
        assert list(ledger.verify(ledger_store.entries(connection), [], None)) == []
        found = connection.execute("SELECT verb, actor FROM acts WHERE verb = ANY(%s) ORDER BY id", (list(verbs),))
        return [(verb, actor) for verb, actor in found if actor != "user:admin"]


def test_a_rotation_is_made_shown_and_replaced_by_whoever_saw_the_newest(two: Two) -> None:
    with serve(two.world) as served:
        officer, manager = two.client(served, "safety_officer"), two.client(served, "institution_manager")
        made = officer.put("/api/rotations", json=wanted(two, two.own_person, two.own_desk, replaces=two.own_rotation))
        assert made.status_code == 200, made.text
        number, turns = made.json()["id"], made.json()["turns"]
        assert (made.json()["starts"], made.json()["may_edit"]) == (["08:00", "20:00"], True)
        assert {turns[0]["person"]["id"]} == told_now(two)
        assert [turns[n]["until_at"] for n in range(13)] == [turns[n]["from_at"] for n in range(1, 14)]
        # two who began from the same one: the second is told, and nothing of the first is lost
        first = manager.put("/api/rotations", json=wanted(two, two.own_desk, replaces=number, name="甲"))
        second = officer.put("/api/rotations", json=wanted(two, two.own_person, replaces=number, name="乙"))
        assert (first.status_code, second.status_code) == (200, 409), second.text
        assert second.json()["type"].endswith("stale-version")
        assert told_now(two) == {two.own_desk}
        shown = two.client(served, "operator").get("/api/rotations").json()
        assert [(each["name"], each["may_edit"]) for each in shown["items"]] == [("甲", False)]
        assert first.json()["id"] == shown["items"][0]["id"]
        over = manager.post(f"/api/rotations/{first.json()['id']}/end")
        assert over.status_code == 204
        assert told_now(two) == {two.own_desk, two.own_person}
        [left] = [each for each in manager.get("/api/rotations").json()["without"] if each["role"] == "operator"]
        assert (left["count"], left["scope"]["institution_id"]) == (2, two.world.home)
        assert manager.post(f"/api/rotations/{first.json()['id']}/end").status_code == 404
    assert acts(two, "put_rotation", "end_rotation") == [
        ("put_rotation", "user:safety_officer"), ("put_rotation", "user:institution_manager"),
        ("end_rotation", "user:institution_manager"),
    ]  # fmt: skip


def stand_in(client: httpx.Client, absent: int, other: int, from_at: datetime, hours: float) -> httpx.Response:
    until_at = from_at + timedelta(hours=hours)
    body = {"absent_id": absent, "stand_in_id": other, "from_at": from_at.isoformat(), "until_at": until_at.isoformat()}
    return client.post("/api/stand-ins", json=body)


def test_who_stands_in_is_told_until_it_is_called_off(two: Two) -> None:
    now = datetime.now(UTC)
    with serve(two.world) as served:
        manager = two.client(served, "institution_manager")
        assert told_now(two) == {two.own_person}
        begun = stand_in(manager, two.own_person, two.own_desk, now - timedelta(minutes=1), 2)
        assert begun.status_code == 201, begun.text
        assert told_now(two) == {two.own_desk}
        [shown] = manager.get("/api/rotations").json()["items"]
        first, second = shown["turns"][:2]
        assert (first["found"], first["person"]["id"], first["in_place_of"]["id"]) == (
            "stand_in", two.own_desk, two.own_person,
        )  # fmt: skip
        assert (second["from_at"], second["person"]["id"]) == (begun.json()["until_at"], two.own_person)
        # a second one for the same time, one in the past, one by somebody who could not acknowledge
        for absent, other, at in (
            (two.own_person, two.own_desk, now), (two.own_person, two.own_desk, now - timedelta(days=1)),
            (two.own_person, expert(manager), now + timedelta(hours=9)), (two.own_person, two.own_person, now),
        ):  # fmt: skip
            assert stand_in(manager, absent, other, at, 1).status_code == 409
        assert manager.post(f"/api/stand-ins/{begun.json()['id']}/end").status_code == 204
        assert told_now(two) == {two.own_person}
        assert manager.post(f"/api/stand-ins/{begun.json()['id']}/end").status_code == 404
    assert acts(two, "add_stand_in", "end_stand_in") == [
        ("add_stand_in", "user:institution_manager"), ("end_stand_in", "user:institution_manager")
    ]  # fmt: skip


def expert(client: httpx.Client) -> int:
    """Somebody of the home who may look but not acknowledge."""
    people = client.get("/api/rotations/people").json()["items"]
    return next(int(each["id"]) for each in people if each["role"] == "expert")


def test_what_cannot_turn_is_refused(two: Two, served_manager: httpx.Client) -> None:
    for change, status in (
        ({"members": [two.own_person, two.own_person]}, 422),  # twice
        ({"members": [two.far_person]}, 422),  # of another place
        ({"members": []}, 422),
        ({"starts": ["8:00"]}, 422),
        ({"starts": []}, 422),
        ({"role": "administrator"}, 403),
        ({"scope": {"region": "22"}}, 403),
        ({"scope": {"institution_id": two.far}}, 404),
    ):
        body = wanted(two, two.own_person, replaces=two.own_rotation) | change
        answer = served_manager.put("/api/rotations", json=body)
        assert answer.status_code == status, (change, answer.text)
    assert served_manager.get("/api/rotations?days=32").status_code == 422


@pytest.fixture
def served_manager(two: Two):
    with serve(two.world) as served:
        yield two.client(served, "institution_manager")


def test_who_is_next_is_told_with_the_notifications(two: Two) -> None:
    with serve(two.world) as served:
        client = served.client()
        url = f"/api/alerts/{two.own_alert.id}/notifications"
        assert client.get(url).json()["reason"] == "nobody_set_up"
        with two.world.connect() as connection:
            connection.execute(
                "INSERT INTO contacts (person_id, channel, address, rank)"
                " SELECT id, 'sms', '13800000000', 1 FROM persons"
            )
            assert client.get(url).json()["reason"] == "not_begun"
            begun = connection.execute(
                "INSERT INTO ladders (alert_id, call, called_at, begun_at, done, ahead_s, flapping, raised)"
                " VALUES (%s, 1, %s, now(), '{1000}', 0, false, '{}') RETURNING begun_at",
                (two.own_alert.id, two.own_alert.called_at),
            ).fetchone()
        shown = client.get(url).json()
        assert begun is not None
        assert shown["reason"] is None
        assert "safety_officer" in [each["role"] for each in shown["next"]["people"]]
        assert datetime.fromisoformat(shown["next"]["at"]) - begun[0] < timedelta(seconds=61)
        assert (shown["next"]["again"], shown["ends_in_alert"]) == (False, True)
        assert client.post(f"/api/alerts/{two.own_alert.id}/acknowledge", json={"version": 1}).status_code == 200
        shown = client.get(url).json()
        assert (shown["next"], shown["reason"]) == (None, "acknowledged")


def test_concurrent_edits_at_the_same_moment_cannot_both_win(two: Two) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with serve(two.world) as served:
        clients = [two.client(served, "institution_manager") for _ in range(4)]

        def put(number: int) -> int:
            body = wanted(two, two.own_desk, replaces=two.own_rotation, name=f"第{number}版")
            return clients[number].put("/api/rotations", json=body).status_code

        with ThreadPoolExecutor(4) as pool:
            statuses = sorted(pool.map(put, range(4)))
    assert statuses == [200, 409, 409, 409]


def test_served_lists_nothing_foreign(two: Two) -> None:
    with serve(two.world) as served:
        _nothing_foreign(served, two)


def _nothing_foreign(served: Served, two: Two) -> None:
    for username in ("operator", "safety_officer", "county"):
        client = two.client(served, username)
        board = client.get("/api/rotations").json()
        assert {each["scope"]["institution_id"] for each in board["items"]} <= {two.world.home, None}
        assert {each["absent"]["id"] for each in board["stand_ins"]} == {two.own_person}
        assert client.get("/api/rotations?q=own-NURSE").json()["total"] == 1
        assert client.get("/api/rotations?q=远方").json()["total"] == 0
        cut = client.get("/api/rotations?limit=1").json()
        assert (len(cut["items"]), len(cut["without"]) <= 1) == (1, True)
