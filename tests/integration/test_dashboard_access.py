"""Who gets in: sessions, their end, limits on trying; and what protects every answer."""

import importlib
import logging
import pkgutil
import re
import threading

import httpx
import psycopg
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from alerting.people import Right
from dashboard import auth, routers
from dashboard.app import create_app
from dashboard.errors import UserUnknown
from dashboard.settings import DashboardSettings
from tests.integration.dashboard_world import Served, World, build, serve, sign_in

pytestmark = pytest.mark.integration

PUBLIC = {
    ("POST", "/api/session"),
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/session/ways"),  # and the sign-in at a provider: test_oidc.py
    ("GET", "/api/session/oidc"),
    ("GET", "/api/session/oidc/callback"),
    ("GET", "/api/public/institutions/{institution_id}"),  # test_public_pages.py looks for what must not be in them
    ("GET", "/api/public/counties/{region}"),
    ("GET", "/api/public/draws/{draw_id}"),  # names nobody; test_inspections.py looks at every word of it
}


@pytest.fixture
def world(database_url):
    return build(database_url)


@pytest.fixture
def served(world):
    with serve(world) as running:
        yield running


@pytest.fixture(scope="module")
def shared_served(shared_database_url):
    """For the tests that are refused and change nothing."""
    with serve(build(shared_database_url)) as running:
        yield running


def test_the_administrator_is_seeded_once_whoever_asks(world):
    with world.connect() as connection:
        connection.execute("DELETE FROM users")
        connection.execute("DELETE FROM persons")
    answers: list[str | None] = []

    def ask():
        with psycopg.connect(world.database_url) as connection:
            answers.append(auth.seed_administrator(connection))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([answer for answer in answers if answer]) == 1
    with world.connect() as connection:
        people = "SELECT username, role, institution_id, region FROM users JOIN persons ON persons.id = person_id"
        assert connection.execute(people).fetchall() == [("admin", "administrator", None, "")]
        assert connection.execute("SELECT count(*) FROM persons").fetchone() == (1,)


def test_signing_in_and_out(served: Served):
    client = served.client(signed_in=False)
    assert client.get("/api/session").status_code == 401
    answer = sign_in(client, served.world.password, username=" Admin ")
    assert answer.status_code == 200
    user = answer.json()
    assert user == {
        "id": user["id"], "username": "admin", "display_name": "管理员", "role": "administrator",
        "person_id": user["person_id"], "scope": {"institution_id": None, "region": ""},
        "rights": sorted(Right), "password_change_required": False,
        "second_factor_required": False,
    }  # fmt: skip
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("anhu_session=")
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert "secure" not in cookie.lower()
    assert client.get("/api/session").json() == user
    token = client.cookies[auth.COOKIE]
    assert client.delete("/api/session").status_code == 204
    again = httpx.get(f"{served.url}/api/session", headers={"Cookie": f"anhu_session={token}"})
    assert again.status_code == 401
    assert again.headers["content-type"] == "application/problem+json"
    assert again.json()["status"] == 401


def test_the_cookie_is_secure_where_the_page_is(served: Served):
    headers = {"Origin": "https://care.example", "Host": "care.example"}
    with httpx.Client(base_url=served.url, headers=headers) as client:
        assert "secure" in sign_in(client, served.world.password).headers["set-cookie"].lower()


def test_the_database_holds_no_token_and_the_log_no_secret(served: Served, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    for client_library in ("httpcore", "httpx"):
        caplog.set_level(logging.WARNING, client_library)
    client = served.client()
    sign_in(client, "a wrong secret")
    token = client.cookies[auth.COOKIE]
    with served.world.connect() as connection:
        rows = connection.execute("SELECT token_sha256, users::text, sessions::text FROM sessions, users").fetchall()
        everything = connection.execute("SELECT string_agg(users::text, '') FROM users").fetchone()
    assert [row[0] for row in rows] == [auth.token_sha256(token)]
    said = capsys.readouterr()
    for text in (str(rows), str(everything), said.out, said.err, caplog.text):
        assert token not in text
        assert served.world.password not in text
        assert "a wrong secret" not in text
    assert "signed in" in said.out + said.err + caplog.text


@pytest.mark.parametrize(
    "ageing",
    [
        "UPDATE sessions SET expires_at = now() - interval '1 second'",
        "UPDATE sessions SET last_used_at = now() - interval '12 hours 1 second'",
        "DELETE FROM sessions",
    ],
)
def test_a_session_ends(served: Served, ageing):
    client = served.client()
    assert client.get("/api/institutions").status_code == 200
    with served.world.connect() as connection:
        connection.execute(ageing.encode())
    assert client.get("/api/institutions").status_code == 401
    served.client().close()  # the next sign-in clears away what has ended
    with served.world.connect() as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)


def test_use_keeps_a_session_alive_but_not_past_its_end(served: Served):
    client = served.client()
    with served.world.connect() as connection:
        connection.execute("UPDATE sessions SET last_used_at = now() - interval '11 hours'")
        assert client.get("/api/session").status_code == 200
        [[age_s, lasts_s]] = connection.execute(
            "SELECT extract(epoch FROM now() - last_used_at)::float8, extract(epoch FROM expires_at - now())::float8"
            " FROM sessions"
        ).fetchall()
    assert age_s < 60
    assert lasts_s == pytest.approx(168 * 3600, abs=60)


def test_one_user_has_a_bounded_number_of_sessions(world):
    with serve(world, sessions_per_user_max=2) as served:
        first, second, third = served.client(), served.client(), served.client()
        assert [each.get("/api/session").status_code for each in (first, second, third)] == [401, 200, 200]


def test_a_new_password_ends_the_sessions(served: Served):
    client = served.client()
    with psycopg.connect(served.world.database_url) as connection:
        password = auth.reset_password(connection, "admin", "test")
        with pytest.raises(UserUnknown):
            auth.reset_password(connection, "nobody", "test")
    assert client.get("/api/session").status_code == 401
    assert sign_in(client, served.world.password).status_code == 401
    assert sign_in(client, password).status_code == 200


def test_guessing_is_slowed_down_also_for_users_that_do_not_exist(served: Served):
    client = served.client(signed_in=False)
    for username in ("admin", "nobody"):
        answers = [sign_in(client, f"guess {number}", username) for number in range(7)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
        assert len({answer.text for answer in answers[:5]}) == 1
        assert 0 < int(answers[-1].headers["retry-after"]) <= 180
    assert sign_in(client, served.world.password).status_code == 429  # the right one too: else it could be guessed


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"username": "admin"}', b'{"username": 1, "password": "x"}',
             b'{"username": "\\u0000", "password": "\\ud800"}', b'{"username": "admin\\u0000", "password": "secret-1"}']
)  # fmt: skip
def test_a_broken_sign_in_is_refused_and_not_repeated(shared_served: Served, body):
    answer = shared_served.client(signed_in=False).post(
        "/api/session", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {401, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret-1" not in answer.text


def api_routes() -> list[tuple[str, str]]:
    """Every route, from the schema the app tells of itself, and the schema's own."""
    app = create_app("postgresql:///unused", DashboardSettings())
    told = [(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods]
    return [*told, ("GET", "/api/openapi.json")]


def test_no_route_is_left_out_of_the_schema():
    """So that the next test sees them all."""
    modules = [
        importlib.import_module(f"dashboard.routers.{found.name}") for found in pkgutil.iter_modules(routers.__path__)
    ]
    found = [each for module in modules for each in vars(module).values() if isinstance(each, APIRouter)]
    routes = [route for router in found for route in router.routes]
    assert len(api_routes()) >= 15
    hidden = {route.path for route in routes if isinstance(route, APIRoute) and not route.include_in_schema}
    assert all(path.startswith("/a/") for path in hidden)  # pages behind a link, with tests of their own
    others = {route.path for route in routes if not isinstance(route, APIRoute)}
    assert others == {"/live"}  # a websocket with tests of its own
    app = create_app("postgresql:///unused", DashboardSettings())
    direct = {getattr(route, "path", None) for route in app.routes}
    assert direct - {None} <= {"/api/openapi.json", ""} | {path for _, path in api_routes()} | {"/live"}


def test_every_route_but_the_public_ones_needs_a_session(shared_served: Served):
    client = shared_served.client(signed_in=False)
    checked = 0
    for method, path in api_routes():
        filled = re.sub(r"\{alert_id\}", "00000000-0000-0000-0000-000000000000", re.sub(r"\{(?!alert)\w+\}", "1", path))
        if (method, path) in PUBLIC or path.startswith("/api/export/"):  # a machine's token: test_export.py
            continue
        answer = client.request(method, filled, json={"version": 1} if method == "POST" else None)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["type"] == "urn:anhu:problem:not-signed-in"
        forged = client.request(method, filled, headers={"Cookie": "anhu_session=AAAA"})
        assert forged.status_code == 401, (method, path)
        checked += 1
    assert checked >= 20


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_another_sites_request_is_refused(shared_served: Served, origin):
    client = shared_served.client()
    for method, path in (("DELETE", "/api/session"), ("POST", "/api/session")):
        answer = client.request(method, path, headers={"Origin": origin})
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:anhu:problem:origin-refused"
    assert client.get("/api/session", headers={"Origin": origin}).status_code == 200  # reading changes nothing
    assert "access-control-allow-origin" not in client.get("/api/session", headers={"Origin": origin}).headers


def test_large_bodies_are_refused_told_or_not(shared_served: Served):
    client = shared_served.client(signed_in=False)
    huge = b'{"username": "' + b"a" * 70_000 + b'"}'
    assert client.post("/api/session", content=huge).status_code == 413
    chunks = (huge[start : start + 1000] for start in range(0, len(huge), 1000))
    answer = client.post("/api/session", content=chunks)
    assert answer.request.headers.get("transfer-encoding") == "chunked"
    assert answer.status_code == 413


def test_every_answer_has_the_security_headers(shared_served: Served):
    client = shared_served.client()
    for path, private in (
        ("/api/session", True),
        ("/api/nothing", True),
        ("/", False),
        ("/healthz", False),
        ("/assets/x.js", False),
    ):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        for directive in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"):
            assert directive in policy, path
        assert "script-src" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert (headers.get("cache-control") == "no-store") is private, path


def test_an_unforeseen_error_is_a_problem_too_and_keeps_its_secrets(served: Served):
    client = served.client()
    with served.world.connect() as connection:
        connection.execute("ALTER TABLE dead_letters RENAME TO lost")
    answer = client.get("/api/dead-letters")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:anhu:problem:internal-error"
    assert "dead_letters" not in answer.text
    assert "content-security-policy" in answer.headers


def test_metrics_are_for_this_machine_only(world):
    with serve(world) as served:
        client = served.client()
        answer = client.get("/metrics")
        assert answer.status_code == 200
        assert 'anhu_sign_ins_total{outcome="accepted"} 1.0' in answer.text
        assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
        client.get("/api/alerts/00000000-0000-0000-0000-000000000000")
        text = client.get("/metrics").text
        assert 'route="/api/alerts/{alert_id}"' in text
        assert "00000000-0000" not in text
    with serve(world, metrics_networks=["10.0.0.0/8"]) as served:
        assert httpx.get(f"{served.url}/metrics").status_code == 403


def test_the_page_is_served_with_its_views_and_its_cache_rules(world: World, tmp_path, monkeypatch):
    static = tmp_path / "static"
    monkeypatch.setattr(
        "dashboard.serve.create_app", lambda *given, **named: create_app(*given, **named, static=static)
    )
    with serve(world) as served, httpx.Client(base_url=served.url) as client:
        assert client.get("/").status_code == 503  # not built, and says how
        assert "make setup" in client.get("/").text
        (static / "assets").mkdir(parents=True)
        (static / "index.html").write_text("<title>Anhu</title>")
        (static / "assets" / "index-abc.js").write_text("1;" * 5000)
        (tmp_path / "secret").write_text("secret")
        for path in ("/", "/alerts", "/institutions/3", "/index.html"):
            answer = client.get(path)
            assert (answer.status_code, answer.text) == (200, "<title>Anhu</title>"), path
            assert answer.headers["cache-control"] == "no-cache"
        asset = client.get("/assets/index-abc.js")
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-encoding"] == "gzip"
        assert client.get("/assets/gone.js").status_code == 404
        assert client.get("/api/nothing").status_code == 404
        assert "secret" not in client.get("/..%2fsecret").text
        assert "secret" not in client.get("/assets/..%2f..%2fsecret").text
