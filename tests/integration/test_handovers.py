"""A desk is handed over: the note with the facts of the shift, both signatures, and what stays for good."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from alerting import duty_check_store, ledger, oncall_store, suppression_store
from alerting import ledger_store as chain
from alerting.alert import Kind, Priority, Verb
from alerting.escalation import default_policy, parse
from alerting.people import Role, Scope
from alerting.suppression import Means, Suppression
from tests.integration.dashboard_world import Served, build, serve, sign_in
from tests.integration.people_world import add_user

pytestmark = pytest.mark.integration


@pytest.fixture
def served(database_url):
    with serve(build(database_url)) as running:
        yield running


def somebody(served: Served, name: str, role: Role, scope: Scope) -> httpx.Client:
    with served.world.connect() as connection, connection.transaction():
        _, password = add_user(connection, name, role, scope)
    client = served.client(signed_in=False)
    sign_in(client, password, name).raise_for_status()
    return client


def shift(served: Served) -> None:
    """A night with something of everything in it."""
    world = served.world
    world.say(Verb.RAISE, latching=True)
    world.say(Verb.RAISE, 2, Kind.OFFLINE, priority=Priority.MEDIUM)
    now = datetime.now(UTC)
    with world.connect() as connection, connection.transaction():
        for zone_id, device_id, hours in ((None, world.devices[1], 5), (world.bedroom, None, 2)):
            suppression_store.begin(
                connection,
                Suppression(
                    0, Means.OUT_OF_SERVICE, world.home, zone_id, device_id, None, "换电池", "user:nurse", now,
                    now + timedelta(hours=hours),
                ),
            )  # fmt: skip
        check = duty_check_store.call(connection, world.home, called_by="random", answer_s=30, note="")
        connection.execute("UPDATE duty_checks SET due_at = clock_timestamp() WHERE id = %s", (check.id,))
        duty_check_store.settle(connection)


def test_a_shift_is_handed_over(served: Served):
    world = served.world
    evening = somebody(served, "evening", Role.OPERATOR, Scope(world.home))
    night = somebody(served, "night", Role.OPERATOR, Scope(world.home))
    county = somebody(served, "county", Role.SUPERVISOR, Scope(region="220322"))
    far = somebody(served, "station", Role.OPERATOR, Scope(world.station))
    assert evening.get("/api/handovers/desk").json() == {"in_use": False, "waiting": None}
    shift(served)

    draft = evening.get("/api/handovers/draft").json()
    facts = draft["facts"]
    assert (draft["since"], draft["note"], draft["replaces"], draft["why_not"]) == ("a_day", "", None, None)
    # the missed check has raised an alert of its own
    assert facts["open_by_priority"] == {"critical": 1, "high": 1, "medium": 1}
    assert (facts["unacknowledged"], facts["offline_count"]) == (3, 1)
    assert [each["kind"] for each in facts["alerts"]] == ["fire", "unanswered", "offline"]
    assert [(each["zone"] or each["device"])["name"] for each in facts["silences"]] == ["卧室", "烟感 1"]
    assert (facts["checks_called"], facts["checks_missed_count"]) == (1, 1)

    assert evening.post("/api/handovers", json={"name": "  "}).status_code == 422
    first = evening.post("/api/handovers", json={"name": "王芳", "note": "305 床发热"}).json()
    assert (first["state"], first["facts"], first["institution"]["id"]) == ("waiting", facts, world.home)
    better = evening.post("/api/handovers", json={"name": "王芳", "note": "305 床发热，已通知医生"}).json()
    assert (better["replaces"], better["since_at"]) == (first["id"], first["since_at"])
    assert evening.get(f"/api/handovers/{first['id']}").json()["state"] == "replaced"

    desk = night.get("/api/handovers/desk").json()
    assert (desk["in_use"], desk["waiting"]["id"]) == (True, better["id"])
    assert night.get("/api/handovers/draft").json()["why_not"] == "take_over_first"
    unread = night.post("/api/handovers", json={"name": "李伟"})
    assert (unread.status_code, unread.json()["why"]) == (409, "take_over_first")
    sign = f"/api/handovers/{better['id']}/take-over"
    same = night.post(sign, json={"name": "王 芳"})
    assert (same.status_code, same.json()["why"]) == (409, "same_name")
    assert far.post(sign, json={"name": "李伟"}).status_code == 404
    assert county.post(sign, json={"name": "李伟"}).status_code == 403  # a supervisor sits at no desk
    everywhere = served.client().post(sign, json={"name": "李伟"})
    assert (everywhere.status_code, everywhere.json()["why"]) == (409, "another_desk")
    taken = night.post(sign, json={"name": "李伟", "remark": "已阅"}).json()
    assert (taken["state"], taken["take_over"]["actor"]) == ("taken_over", "user:night")
    assert (taken["take_over"]["name"], taken["take_over"]["remark"]) == ("李伟", "已阅")
    again = night.post(sign, json={"name": "赵六"})
    assert (again.status_code, again.json()["why"]) == (409, "not_waiting")
    assert night.get("/api/handovers/desk").json() == {"in_use": True, "waiting": None}

    draft = night.get("/api/handovers/draft").json()
    assert (draft["since"], draft["since_at"]) == ("taken_over", taken["take_over"]["at"])
    assert (draft["facts"]["checks_called"], draft["facts"]["offline_count"]) == (0, 1)  # a new shift, the same alerts

    for reader, seen in ((county, 2), (served.client(), 2), (far, 0)):
        page = reader.get("/api/handovers", params={"limit": 1}).json()
        assert (page["total"], len(page["items"])) == (seen, min(seen, 1))
    page = county.get("/api/handovers", params={"limit": 1}).json()
    rest = county.get("/api/handovers", params={"limit": 1, "before": page["next_before"]}).json()
    assert [each["id"] for each in page["items"] + rest["items"]] == [better["id"], first["id"]]
    assert rest["next_before"] is None
    assert_kept(served, better["id"])


def assert_kept(served: Served, number: int) -> None:
    """Nothing signed can be changed, and the ledger has both signatures."""
    with served.world.connect() as connection:
        changes = "UPDATE handovers SET note = ''", "DELETE FROM handover_take_overs", "TRUNCATE handovers CASCADE"
        for statement in changes:
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                connection.execute(statement.encode())
        acts = connection.execute(
            "SELECT verb, actor, body FROM acts WHERE subject = %s ORDER BY id", (f"handover:{number}",)
        ).fetchall()
        assert [(verb, actor, body["name"]) for verb, actor, body in acts] == [
            ("hand_over", "user:evening", "王芳"), ("take_over", "user:night", "李伟"),
        ]  # fmt: skip
        assert acts[0][2]["sha256"] == acts[1][2]["sha256"]  # both signed for the same words
        assert list(ledger.verify(chain.entries(connection), chain.checkpoints(connection), None)) == []


def test_a_duty_centre_has_a_desk_of_its_own(served: Served):
    world = served.world
    centre = somebody(served, "centre", Role.OPERATOR, Scope(region="220322"))
    home = somebody(served, "home", Role.OPERATOR, Scope(world.home))
    city = somebody(served, "city", Role.SUPERVISOR, Scope(region="2203"))
    written = centre.post("/api/handovers", json={"name": "王芳"}).json()
    assert (written["desk"], written["institution"]) == ({"institution_id": None, "region": "220322"}, None)
    assert home.get("/api/handovers/desk").json() == {"in_use": False, "waiting": None}
    assert home.get("/api/handovers").json()["total"] == 0
    assert home.get(f"/api/handovers/{written['id']}").status_code == 404
    assert city.get("/api/handovers").json()["total"] == 1


def test_the_sound_keeps_to_the_policy_in_force(served: Served):
    client = served.client()
    shipped = client.get("/api/desk/sound").json()
    assert (shipped["mute_s_max"], shipped["mutes_max"], shipped["fault_mute_s_max"]) == (60, 3, 600)
    body = default_policy().replace("mute_s_max = 60 ", "mute_s_max = 20 ", 1).replace("2026.11.3", "strict")
    with served.world.connect() as connection, connection.transaction():
        oncall_store.save_policy(connection, parse(body), body, loaded_by="test")
    strict = client.get("/api/desk/sound").json()
    assert (strict["policy_version"], strict["mute_s_max"]) == ("strict", 20)
