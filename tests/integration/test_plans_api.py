"""Emergency plans and floor plans over the API: own cards, who may see whom, nothing overwritten, nothing foreign."""

import io
import json
import logging
from typing import Any

import httpx
import pytest
from PIL import Image

from alerting.alert import Kind, Verb
from alerting.people import Role, Scope
from tests.integration.dashboard_world import Served, build, serve, sign_in
from tests.integration.people_world import add_user

pytestmark = pytest.mark.integration

OWN: dict[str, Any] = {
    "version": 0, "steps": [{"zh": "甲", "en": "A"}, {"zh": "乙"}],
    "phones": [{"name": "门卫", "number": "0434-5551234"}],
}  # fmt: skip
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300"><script>1</script><path d="M0 0h9"/></svg>'


@pytest.fixture
def served(database_url):
    with serve(build(database_url)) as running:
        yield running


def as_role(served: Served, role: Role, institution_id: int | None = None) -> httpx.Client:
    """Somebody of that role, at the home unless told otherwise."""
    scope, name = Scope(institution_id or served.world.home), f"{role.value}-{institution_id or ''}".strip("-")
    with served.world.connect() as connection, connection.transaction():
        _, password = add_user(connection, name, role, scope)
    client = served.client(signed_in=False)
    sign_in(client, password, name).raise_for_status()
    return client


def test_the_plan_opens_with_the_alert_and_the_institution_writes_its_own(served: Served):
    world = served.world
    record = world.say(Verb.RAISE, 0)
    desk, officer = as_role(served, Role.OPERATOR), as_role(served, Role.SAFETY_OFFICER)
    plan = desk.get(f"/api/alerts/{record.id}").json()["plan"]
    assert (plan["source"], plan["floor_plan"], plan["cannot_walk"]) == (
        "default", None, {"in_zone": 0, "in_institution": 0},
    )  # fmt: skip
    url = f"/api/institutions/{world.home}/plans"
    assert desk.put(f"{url}/fire", json=OWN).status_code == 403
    saved = officer.put(f"{url}/fire", json=OWN)
    assert saved.status_code == 200, saved.text
    assert (saved.json()["version"], saved.json()["steps"][1]) == (1, {"zh": "乙", "en": ""})
    plan = desk.get(f"/api/alerts/{record.id}").json()["plan"]
    assert (plan["source"], plan["steps"][0], plan["phones"][0]) == ("institution", OWN["steps"][0], OWN["phones"][0])
    kinds = {each["kind"]: each["source"] for each in desk.get(url).json()["items"]}
    others = ("gas", "co", "fall", "sos", "offline", "power_loss")
    assert kinds == {"fire": "institution"} | dict.fromkeys(others, "default")
    assert officer.put(f"{url}/fire", json=OWN).status_code == 409  # somebody else was faster
    for wrong in ({"phones": [{"name": "x", "number": "call me"}]}, {"steps": [{"zh": " ", "en": "A"}]}):
        assert officer.put(f"{url}/fire", json=OWN | {"version": 1} | wrong).status_code == 422
    assert officer.delete(f"{url}/fire?version=0").status_code == 409
    assert officer.delete(f"{url}/fire?version=1").status_code == 204
    assert desk.get(f"/api/alerts/{record.id}").json()["plan"]["source"] == "default"
    with world.connect() as connection:
        acts = connection.execute("SELECT actor, verb FROM acts WHERE subject = %s", (f"plan:{world.home}:fire",))
        assert acts.fetchall() == [("user:safety_officer", "save_plan"), ("user:safety_officer", "remove_plan")]


def test_who_cannot_walk_is_for_those_who_carry_and_in_no_log(served: Served, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    world, note = served.world, "三床轮椅老人"
    record = world.say(Verb.RAISE, 0)
    officer, desk = as_role(served, Role.SAFETY_OFFICER), as_role(served, Role.OPERATOR)
    url = f"/api/institutions/{world.home}/residents"
    items = [{"zone_id": world.kitchen, "count_cannot_walk": 2, "note": note},
             {"zone_id": world.bedroom, "count_cannot_walk": 5}]  # fmt: skip
    assert officer.put(url, json={"version": 0, "items": items}).status_code == 200
    assert officer.put(url, json={"version": 0, "items": []}).status_code == 409
    foreign = {"version": 1, "items": [{"zone_id": 9999, "count_cannot_walk": 1, "note": note}]}
    assert officer.put(url, json=foreign).status_code == 422
    broken = officer.put(url, json={"version": 1, "items": [{"zone_id": "?", "note": note}]})
    assert (broken.status_code, note in broken.text) == (422, False)
    assert desk.get(url).json()["items"][0]["note"] == note
    shown = desk.get(f"/api/alerts/{record.id}").json()["plan"]
    assert shown["cannot_walk"] == {"in_zone": 2, "in_institution": 7}
    assert desk.put(url, json={"version": 1, "items": []}).status_code == 403
    for role in (Role.SUPERVISOR, Role.INSPECTOR, Role.EXPERT):
        client = as_role(served, role)
        assert client.get(url).status_code == 403
        assert client.get(f"/api/alerts/{record.id}").json()["plan"]["cannot_walk"] is None
        assert note not in client.get(f"/api/institutions/{world.home}/plans").text
    assert as_role(served, Role.SAFETY_OFFICER, world.station).get(url).status_code == 404
    with world.connect() as connection:
        acts = connection.execute("SELECT body FROM acts WHERE verb = 'save_residents'").fetchall()
    assert acts == [({"version": 1, "zones": 2},)]
    printed = capfd.readouterr()
    assert note not in caplog.text + printed.out + printed.err + json.dumps(acts, ensure_ascii=False)


def test_a_floor_plan_is_shown_inert_with_the_place_marked(served: Served):
    world = served.world
    record = world.say(Verb.RAISE, 0)
    officer, desk = as_role(served, Role.SAFETY_OFFICER), as_role(served, Role.OPERATOR)
    url = f"/api/institutions/{world.home}/floor-plans"
    sent = officer.put(f"{url}/1/picture?version=0", content=DRAWING, headers={"Content-Type": "image/svg+xml"})
    assert sent.status_code == 200, sent.text
    assert sent.json() == {"floor": 1, "version": 1, "width_px": 2400, "height_px": 1800, "marks": []}
    got = desk.get(f"{url}/1/picture")
    assert (got.headers["content-type"], "script" in got.text) == ("image/svg+xml", False)
    assert got.headers["content-security-policy"].startswith("default-src 'none'")
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"
    marks = [{"zone_id": world.kitchen, "x": 0.25, "y": 0.5}]
    saved = officer.put(f"{url}/1/marks", json={"version": 1, "marks": marks})
    assert saved.status_code == 200, saved.text
    assert officer.put(f"{url}/1/marks", json={"version": 1, "marks": []}).status_code == 409
    shown = desk.get(f"/api/alerts/{record.id}").json()["plan"]["floor_plan"]
    assert (shown["floor"], shown["spot"]) == (1, {"x": 0.25, "y": 0.5, "of": "zone"})
    upstairs = {"version": 2, "marks": [{"zone_id": world.bedroom, "x": 0, "y": 0}]}
    assert officer.put(f"{url}/1/marks", json=upstairs).status_code == 422  # on the second floor
    precise = {"version": 2, "marks": [*marks, {"device_id": world.devices[0], "x": 0.5, "y": 0.5}]}
    assert officer.put(f"{url}/1/marks", json=precise).status_code == 200
    assert desk.get(f"/api/alerts/{record.id}").json()["plan"]["floor_plan"]["spot"]["of"] == "device"
    photo = io.BytesIO()
    Image.effect_noise((900, 600), 90).save(photo, "JPEG")
    assert len(photo.getvalue()) > 64 * 1024  # more than other routes take
    replaced = officer.put(f"{url}/1/picture?version=3", content=photo.getvalue())
    assert replaced.status_code == 200, replaced.text
    assert (replaced.json()["width_px"], len(replaced.json()["marks"])) == (900, 2)
    assert desk.get(f"{url}/1/picture").headers["content-type"] == "image/webp"
    assert officer.put(f"{url}/1/picture?version=4", content=b"<html>").status_code == 422
    assert officer.put(f"{url}/1/picture?version=4", content=bytes(9 * 2**20)).status_code == 413
    assert officer.put(f"{url}/1/marks", content=bytes(100_000)).status_code == 413
    assert desk.put(f"{url}/1/picture?version=4", content=DRAWING).status_code == 403
    assert as_role(served, Role.SAFETY_OFFICER, world.station).get(f"{url}/1/picture").status_code == 404
    assert officer.delete(f"{url}/1?version=4").status_code == 204
    assert desk.get(f"{url}/1/picture").status_code == 404
    assert desk.get(f"/api/alerts/{record.id}").json()["plan"]["floor_plan"] is None


def test_an_alert_without_a_place_has_no_floor_plan(served: Served):
    record = served.world.say(Verb.RAISE, None, Kind.OFFLINE)
    assert served.client().get(f"/api/alerts/{record.id}").json()["plan"]["floor_plan"] is None
