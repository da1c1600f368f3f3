"""One's own account over HTTP: a second factor from enrolment to reset, sessions that are ended, and who may do it."""

import json
import logging
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from alerting.people import Role, Scope
from dashboard import auth, second_factor_store, totp
from dashboard.account_key import AccountKey
from tests.integration.dashboard_world import Served, World, build, frames, outage, serve, until
from tests.integration.people_world import Two, add_user, build_two
from tests.integration.test_live import close_code

pytestmark = pytest.mark.integration

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


@pytest.fixture(scope="module")
def two(shared_database_url: str) -> Two:
    return build_two(shared_database_url)


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "account.key"


@pytest.fixture(scope="module")
def served(two: Two, key_file: Path):
    with serve(two.world, account_key=key_file) as running:
        yield running


class Somebody:
    """A person of their own for one test, at their browser."""

    def __init__(self, served: Served, name: str, role: Role = Role.OPERATOR, scope: Scope | None = None) -> None:
        self.served, self.name = served, name
        with psycopg.connect(served.world.database_url) as connection:
            self.id, self.password = add_user(connection, name, role, scope or Scope(served.world.home))
        self.secret, self.recovery_codes = "", [""]

    def browser(self, code: str | None = None) -> httpx.Client:
        client = self.served.client(signed_in=False)
        self.sign_in(client, code).raise_for_status()
        return client

    def sign_in(self, client: httpx.Client, code: str | None = None, password: str = "") -> httpx.Response:
        body = {"username": self.name, "password": password or self.password, "code": code}
        return client.post("/api/session", json=body, headers={"User-Agent": BROWSER})

    def enrol(self, client: httpx.Client) -> None:
        begun = client.post("/api/account/second-factor", json={"password": self.password})
        begun.raise_for_status()
        self.secret = begun.json()["secret"]
        confirmed = client.post("/api/account/second-factor/confirm", json={"code": self.code()})
        confirmed.raise_for_status()
        self.recovery_codes = confirmed.json()["recovery_codes"]
        self.forget_step()

    def code(self, off: int = 0) -> str:
        """The code of the step that is now, or one beside it."""
        return totp.code_at(self.secret, int(time.time() // totp.STEP_S) + off)

    def forget_step(self) -> None:
        """As if half a minute had gone by: the code that is shown now was not taken yet."""
        with self.served.world.connect() as connection:
            connection.execute(
                "UPDATE second_factors SET used_step = 0 WHERE user_id = (SELECT id FROM users WHERE username = %s)",
                (self.name,),
            )

    def acts(self) -> list[tuple[str, str]]:
        with self.served.world.connect() as connection:
            rows = connection.execute(
                "SELECT verb, actor FROM acts WHERE subject = %s AND verb <> 'save_person' ORDER BY id",
                (f"person:{self.id}",),
            )
            return [(str(row[0]), str(row[1])) for row in rows]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:anhu:problem:")


def test_a_second_factor_from_enrolment_to_removal(served: Served, key_file: Path, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    for client_library in ("httpcore", "httpx"):
        caplog.set_level(logging.WARNING, client_library)
    who = Somebody(served, "enrols")
    client, other = who.browser(), who.browser()
    assert refusal(client.post("/api/account/second-factor", json={"password": "wrong"})) == (401, "wrong-credentials")
    assert refusal(client.post("/api/account/second-factor/confirm", json={"code": "123456"}))[0] == 409
    begun = client.post("/api/account/second-factor", json={"password": who.password}).json()
    who.secret = begun["secret"]
    assert begun["uri"].startswith("otpauth://totp/Anhu:enrols?")
    assert begun["qr_svg"].startswith("<svg")
    assert who.sign_in(served.client(signed_in=False)).status_code == 200  # nothing is asked for before it is confirmed
    wrong = client.post("/api/account/second-factor/confirm", json={"code": "12345"})
    assert refusal(wrong) == (401, "wrong-code")
    code = who.code()
    codes = client.post("/api/account/second-factor/confirm", json={"code": f"{code[:3]} {code[3:]}"}).json()
    who.recovery_codes = codes["recovery_codes"]
    assert len(who.recovery_codes) == 10
    assert (client.get("/api/session").status_code, other.get("/api/session").status_code) == (200, 401)
    assert refusal(client.post("/api/account/second-factor", json={"password": who.password}))[0] == 409

    stranger = served.client(signed_in=False)
    assert refusal(who.sign_in(stranger)) == (401, "second-factor-wanted")
    assert refusal(who.sign_in(stranger, code=who.code(1), password="wrong")) == (401, "wrong-credentials")
    assert refusal(who.sign_in(stranger, code)) == (401, "wrong-code")  # it was taken at the confirmation
    assert refusal(who.sign_in(stranger, who.code(5))) == (401, "wrong-code")
    assert who.sign_in(stranger, who.code(1)).status_code == 200  # the phone's clock is half a minute ahead
    assert refusal(who.sign_in(served.client(signed_in=False), who.code(0))) == (401, "wrong-code")  # older than that
    shown = stranger.get("/api/account").json()
    assert shown["second_factor"] | {"enrolled_at": None} == {
        "enrolled_at": None, "recovery_codes_left": 10, "required": False,
    }  # fmt: skip
    assert {each["second_factor"] for each in shown["sessions"] if each["this"]} == {True}

    recovered = served.client(signed_in=False)
    assert who.sign_in(recovered, who.recovery_codes[0].upper().replace("-", " ")).status_code == 200
    assert refusal(who.sign_in(served.client(signed_in=False), who.recovery_codes[0])) == (401, "wrong-code")
    both = {"password": who.password, "code": who.recovery_codes[1]}
    renewed = recovered.post("/api/account/second-factor/recovery-codes", json=both).json()["recovery_codes"]
    assert not set(renewed) & set(who.recovery_codes)
    assert refusal(who.sign_in(served.client(signed_in=False), who.recovery_codes[2])) == (401, "wrong-code")
    assert recovered.get("/api/account").json()["second_factor"]["recovery_codes_left"] == 10
    without = recovered.post("/api/account/second-factor/remove", json={"password": who.password, "code": "000000"})
    assert refusal(without) == (401, "wrong-code")
    both = {"password": who.password, "code": renewed[0]}
    assert recovered.post("/api/account/second-factor/remove", json=both).status_code == 204
    assert who.sign_in(served.client(signed_in=False)).status_code == 200
    assert [verb for verb, _ in who.acts()] == [
        "enrol_second_factor", "use_recovery_code", "use_recovery_code", "renew_recovery_codes", "use_recovery_code",
        "remove_second_factor",
    ]  # fmt: skip

    secrets = [who.secret, *who.recovery_codes, *renewed, who.password, key_file.read_text().strip()]
    with served.world.connect() as connection:
        tables = ("second_factors", "recovery_codes", "sessions", "acts", "ledger")
        stored = "".join(str(connection.execute(f"SELECT t::text FROM {t} t").fetchall()) for t in tables)  # noqa: S608
    written = capsys.readouterr()
    logged = caplog.text + written.out + written.err
    for secret in secrets:
        assert secret not in stored
        assert secret not in logged


def test_two_sign_ins_with_one_code_at_one_moment_are_one(served: Served):
    """Both have found the code right before either notes it: the database lets one take it."""
    who = Somebody(served, "twice")
    who.enrol(who.browser())
    with (
        psycopg.connect(served.world.database_url) as one,
        psycopg.connect(served.world.database_url, autocommit=True) as other,
    ):
        number = one.execute("SELECT id FROM users WHERE username = 'twice'").fetchone()
        assert number is not None
        assert second_factor_store.take_step(one, number[0], 7)
        one.commit()
        assert not second_factor_store.take_step(other, number[0], 7)
        assert not second_factor_store.take_step(other, number[0], 6)
        assert second_factor_store.take_step(other, number[0], 8)


def test_codes_are_tried_a_few_times_only_from_wherever(two: Two, key_file: Path):
    with serve(two.world, account_key=key_file, trusted_proxies=["127.0.0.1"]) as served:
        who = Somebody(served, "guessed")
        who.enrol(who.browser())
        who.browser(who.code())
        who.forget_step()
        for number in range(10):
            client = served.client(signed_in=False)
            client.headers["X-Forwarded-For"] = f"203.0.113.{number}"
            assert refusal(who.sign_in(client, who.code(9))) == (401, "wrong-code")
        client = served.client(signed_in=False)
        client.headers["X-Forwarded-For"] = "203.0.113.99"
        stopped = who.sign_in(client, who.code())
        assert refusal(stopped) == (429, "too-many-attempts")
        assert int(stopped.headers["Retry-After"]) > 0
        assert refusal(who.sign_in(client)) == (401, "second-factor-wanted")  # what the page asks first is no guess
        # Whoever does not know the password cannot use up its owner's tries.
        nurse = Somebody(served, "not-guessed")
        nurse.enrol(nurse.browser())
        for number in range(12):
            client = served.client(signed_in=False)
            client.headers["X-Forwarded-For"] = f"198.51.100.{number}"
            assert refusal(nurse.sign_in(client, "000000", "wrong")) == (401, "wrong-credentials")
        assert nurse.sign_in(served.client(signed_in=False), nurse.code()).status_code == 200


def test_a_role_that_must_have_one_enrols_it_at_the_next_sign_in(two: Two, key_file: Path):
    with serve(two.world, account_key=key_file, second_factor_roles="administrator, supervisor") as served:
        first = served.client()  # the first administrator, who knows of nothing: not locked out
        assert first.get("/api/session").json()["second_factor_required"] is True
        for path in ("/api/alerts", "/api/people"):
            assert refusal(first.get(path)) == (403, "second-factor-required")
        with served.socket(first) as socket:
            assert close_code(socket) == 4403
        token = {"name": "x", "scopes": ["alerts:read"], "days": 1, "password": two.world.password}
        assert refusal(first.post("/api/account/tokens", json=token)) == (403, "second-factor-required")
        boss = Somebody(served, "boss", Role.SUPERVISOR, Scope(None, "220322"))
        client = boss.browser()
        boss.enrol(client)
        assert client.get("/api/alerts").status_code == 200  # this session goes on
        assert client.get("/api/session").json()["second_factor_required"] is False
        again = boss.browser(boss.code())
        assert again.get("/api/alerts").status_code == 200
        both = {"password": boss.password, "code": boss.recovery_codes[0]}
        assert refusal(again.post("/api/account/second-factor/remove", json=both)) == (409, "second-factor-refused")
        nurse = Somebody(served, "free-nurse")
        assert nurse.browser().get("/api/alerts").status_code == 200


def test_who_manages_somebody_resets_their_second_factor(two: Two, served: Served):
    who = Somebody(served, "lost-phone")
    client = who.browser()
    who.enrol(client)
    manager, county = two.client(served, "institution_manager"), two.client(served, "county")
    shown = manager.get(f"/api/people/{who.id}/account").json()
    assert shown["second_factor"]["enrolled_at"] is not None
    assert [set(each) for each in shown["sessions"]] == [{"last_used_at", "device"}]  # not from where
    assert county.get(f"/api/people/{two.far_person}/account").status_code == 404
    admin = next(each for each in county.get("/api/people").json()["items"] if each["username"] == "administrator")
    assert county.post(f"/api/people/{admin['id']}/reset-second-factor").status_code == 403  # above them
    with served.socket(client) as socket:
        frames(socket, 1, "snapshot")
        assert manager.post(f"/api/people/{who.id}/reset-second-factor").status_code == 204
        assert close_code(socket, 5) == 4401
    assert refusal(manager.post(f"/api/people/{who.id}/reset-second-factor")) == (409, "second-factor-refused")
    assert who.sign_in(served.client(signed_in=False)).status_code == 200
    assert ("reset_second_factor", "user:institution_manager") in who.acts()
    mine = manager.get("/api/session").json()["person_id"]
    assert manager.post(f"/api/people/{mine}/reset-second-factor").status_code == 422  # nobody their own


def test_another_key_lets_nobody_in_by_code_and_recovery_codes_still_do(two: Two, served: Served, tmp_path: Path):
    who = Somebody(served, "key-lost")
    who.enrol(who.browser())
    with serve(two.world, account_key=tmp_path / "nothing.key") as elsewhere:
        client = elsewhere.client(signed_in=False)
        who.served = elsewhere
        assert refusal(who.sign_in(client, who.code())) == (500, "account-key-unusable")
        assert not (tmp_path / "nothing.key").exists()
        assert who.sign_in(client, who.recovery_codes[0]).status_code == 200
        AccountKey(tmp_path / "nothing.key").seal(b"x", "x")
        assert refusal(who.sign_in(client, who.code())) == (500, "account-key-unusable")


def test_one_sees_ones_sessions_and_ends_them(two: Two, served: Served):
    who = Somebody(served, "three-screens")
    desk, phone, wall = who.browser(), who.browser(), who.browser()
    stranger = two.client(served, "expert")
    listed = desk.get("/api/account").json()["sessions"]
    assert [each["this"] for each in listed].count(True) == 1
    assert {(each["device"], each["address"]) for each in listed} == {("Chrome · Windows", "127.0.0.1")}
    assert len(listed) == 3
    assert all(auth.COOKIE not in str(each) and desk.cookies[auth.COOKIE] not in str(each) for each in listed)
    number = next(each["id"] for each in phone.get("/api/account").json()["sessions"] if each["this"])
    assert stranger.delete(f"/api/account/sessions/{number}").status_code == 404  # not theirs
    with served.socket(phone) as socket, served.socket(wall) as other:
        frames(socket, 1, "snapshot")
        frames(other, 1, "snapshot")
        assert desk.delete(f"/api/account/sessions/{number}").status_code == 204
        assert close_code(socket, 5) == 4401
        assert (phone.get("/api/session").status_code, wall.get("/api/session").status_code) == (401, 200)
        assert desk.delete(f"/api/account/sessions/{number}").status_code == 404
        assert desk.delete("/api/account/sessions").status_code == 204
        assert close_code(other, 5) == 4401
    assert (desk.get("/api/session").status_code, wall.get("/api/session").status_code) == (200, 401)
    manager = two.client(served, "institution_manager")
    with served.socket(desk) as socket:
        frames(socket, 1, "snapshot")
        assert manager.post(f"/api/people/{who.id}/sign-out").status_code == 204
        assert close_code(socket, 5) == 4401
    assert [verb for verb, _ in who.acts()] == ["end_session", "end_sessions", "end_sessions"]


def test_another_dashboard_closes_an_ended_sessions_websocket_and_forgets_it(database_url: str):
    """It hears of it from the database; and when that goes away afterwards, the session is not believed any more."""
    world: World = build(database_url)
    with serve(world, pulse_s=60) as here, serve(world, pulse_s=60, heartbeat_s=0.2) as there:
        desk, phone = here.client(), there.client()
        number = next(each["id"] for each in phone.get("/api/account").json()["sessions"] if each["this"])
        with there.socket(phone) as socket:
            frames(socket, 1, "snapshot")
            assert desk.delete(f"/api/account/sessions/{number}").status_code == 204
            assert close_code(socket, 5) == 4401
        lively = there.client()
        with there.socket(lively) as socket:
            frames(socket, 1, "snapshot")
            with outage(database_url):
                until(lambda: json.loads(socket.recv(timeout=15)).get("database_away") is True)
                assert lively.get("/api/session").status_code == 200  # known, and let in
                assert phone.get("/api/session").status_code == 503  # ended: not believed, and nobody to ask
                refused = lively.delete("/api/account/sessions")
                assert refusal(refused) == (503, "database-unavailable")
