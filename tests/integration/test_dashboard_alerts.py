"""Alerts over HTTP: lists, history, and people acting on them, also at the same moment."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from alerting.alert import Kind, Priority, Verb
from tests.integration.dashboard_world import Served, build, minutes_ago, serve

pytestmark = pytest.mark.integration


@pytest.fixture
def served(database_url):
    with serve(build(database_url)) as running:
        yield running


def act(client, alert_id, verb, version, note=None):
    return client.post(f"/api/alerts/{alert_id}/{verb}", json={"version": version, "note": note})


def test_an_alert_from_its_raise_to_its_reset(served: Served):
    world, client = served.world, served.client()
    began = minutes_ago(10)
    raised = world.say(Verb.RAISE, at=began, latching=True, evidence={"rule": "r", "value": 2.5, "text_zh": "烟雾"})
    shown = client.get(f"/api/alerts/{raised.id}").json()
    stamp = began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert shown["raised_at"] == shown["onset_at"] == stamp
    assert shown["institution"] == {"id": world.home, "code": "home-1", "name": "安和养老院", "name_en": "Anhe Home"}
    assert shown["zone"] == {"id": world.kitchen, "name": "厨房", "name_en": "Kitchen", "kind": "kitchen", "floor": 1}
    assert shown["device"] == {"id": world.devices[0], "code": "smk-0", "name": "烟感 0", "kind": "smoke"}
    assert shown["evidence"] == {"rule": "r", "value": 2.5, "text_zh": "烟雾"}
    assert (shown["state"], shown["version"], shown["rules"]) == ("UNACKED", 1, ["r"])

    taken = act(client, raised.id, "acknowledge", 1, "去看了").json()
    assert (taken["state"], taken["version"], taken["acknowledged_by"]) == ("ACKED", 2, "user:admin")
    early = act(client, raised.id, "reset", 2)
    assert (early.status_code, early.json()["type"]) == (409, "urn:anhu:problem:illegal-verb")
    world.say(Verb.CLEAR, at=datetime.now(UTC), onset_at=began, latching=True)
    done = act(client, raised.id, "reset", 3).json()
    assert (done["state"], done["open"], done["version"]) == ("NORMAL", False, 4)

    events = client.get(f"/api/alerts/{raised.id}").json()["events"]
    assert [event["verb"] for event in events] == ["raise", "acknowledge", "clear", "reset"]
    assert [event["actor"] for event in events] == ["engine", "user:admin", "engine", "user:admin"]
    assert events[1]["note"] == "去看了"
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)
    assert client.get("/api/alerts").json()["items"] == []
    assert [each["id"] for each in client.get("/api/alerts?state=closed").json()["items"]] == [str(raised.id)]


def test_a_stale_version_or_an_illegal_verb_changes_nothing(served: Served):
    client = served.client()
    raised = served.world.say(Verb.RAISE)
    stale = act(client, raised.id, "acknowledge", 7)
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:anhu:problem:stale-version")
    assert act(client, raised.id, "acknowledge", 1).status_code == 200
    assert act(client, raised.id, "acknowledge", 1).status_code == 409
    again = act(client, raised.id, "acknowledge", 2)
    assert (again.status_code, again.json()["type"]) == (409, "urn:anhu:problem:illegal-verb")
    assert act(client, raised.id, "reset", 2).json()["type"] == "urn:anhu:problem:illegal-verb"
    assert len(client.get(f"/api/alerts/{raised.id}").json()["events"]) == 2


def test_what_makes_no_sense_is_refused(served: Served):
    client = served.client()
    raised = served.world.say(Verb.RAISE)
    nowhere = "00000000-0000-0000-0000-000000000000"
    assert act(client, nowhere, "acknowledge", 1).status_code == 404
    assert client.get(f"/api/alerts/{nowhere}").status_code == 404
    assert act(client, raised.id, "shelve", 1).status_code in {404, 405}
    for version, note in ((0, None), ("x", None), (1, "a\0b"), (1, "x" * 2001)):
        assert act(client, raised.id, "acknowledge", version, note).status_code == 422
    for query in (
        "state=odd",
        "kind=odd",
        "limit=0",
        "limit=501",
        "cursor=odd",
        "institution_id=0",
        "institution_id=99999999999",
    ):
        assert client.get(f"/api/alerts?{query}").status_code == 422, query
    assert client.get("/api/alerts/odd").status_code == 422


def test_of_two_people_at_once_exactly_one_wins(served: Served):
    clients = [served.client() for _ in range(2)]
    for _ in range(10):
        raised = served.world.say(Verb.RAISE)
        ready = threading.Barrier(2)
        statuses: list[int] = []

        def race(client, alert_id=raised.id, ready=ready, statuses=statuses):
            ready.wait()
            statuses.append(act(client, alert_id, "acknowledge", 1).status_code)

        threads = [threading.Thread(target=race, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 409]
        verbs = [event["verb"] for event in clients[0].get(f"/api/alerts/{raised.id}").json()["events"]]
        assert verbs == ["raise", "acknowledge"]
        served.world.say(Verb.CLEAR, onset_at=raised.onset_at)


def test_open_alerts_come_by_priority_then_the_newest_and_pages_never_repeat_or_skip(served: Served):
    world, client = served.world, served.client()
    expected, began = [], minutes_ago(60)
    for rank, priority in enumerate(Priority):
        for device, kind in ((0, Kind.FIRE), (1, Kind.CO), (2, Kind.GAS), (3, Kind.FALL)):
            at = began - timedelta(minutes=min(device, 2))  # the last two of a priority at the same moment
            kinds = list(Kind)
            kind = kinds[(kinds.index(kind) + rank) % len(kinds)]  # another one each time: one is open in a place
            source = world.source(device)
            alert = world.say(Verb.RAISE, kind=kind, priority=priority, at=at, source=source)
            expected.append((rank, -alert.raised_at.timestamp(), alert.id.int, str(alert.id)))
    assert len({each[3] for each in expected}) == 20
    order = [each[3] for each in sorted(expected)]
    assert [each["id"] for each in client.get("/api/alerts?limit=500").json()["items"]] == order

    seen, cursor = [], None
    for page in range(100):
        answer = client.get("/api/alerts", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += [each["id"] for each in answer["items"]]
        if page == 1:  # one that was shown goes, a more urgent one comes: the rest stays as it was
            [gone] = [each for each in answer["items"] if each["id"] == seen[4]]
            assert act(client, gone["id"], "acknowledge", 1).status_code == 200
            world.say(Verb.RAISE, device=None, kind=Kind.SOS, priority=Priority.CRITICAL)
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == order


def test_lists_are_narrowed(served: Served):
    world, client = served.world, served.client()
    fire = world.say(Verb.RAISE, 0, at=minutes_ago(3))
    gas = world.say(Verb.RAISE, 1, Kind.GAS, at=minutes_ago(2))
    sos = world.say(Verb.RAISE, None, Kind.SOS, at=minutes_ago(1))
    assert act(client, gas.id, "acknowledge", 1).status_code == 200
    world.say(Verb.CLEAR, 1, Kind.GAS, onset_at=gas.onset_at)

    def ids(query):
        return [each["id"] for each in client.get(f"/api/alerts?{query}").json()["items"]]

    assert ids("state=all") == [str(sos.id), str(gas.id), str(fire.id)]
    assert ids("state=closed") == [str(gas.id)]
    assert ids("kind=fire") == [str(fire.id)]
    assert ids(f"institution_id={world.station}") == []
    assert ids(f"institution_id={world.home}&state=open") == [str(sos.id), str(fire.id)]
    [shown] = client.get("/api/alerts?kind=sos").json()["items"]
    assert (shown["zone"], shown["device"]) == (None, None)
