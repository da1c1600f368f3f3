"""What other sites, other hosts and odd clients may try, with every route the app has: a new one is tried by itself."""

import csv
import http.client
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from dashboard import auth
from dashboard.app import described
from dashboard.routers.oidc import _ONWARD
from tests.integration.dashboard_world import Served, serve, sign_in
from tests.integration.people_world import Two, build_two
from tests.integration.route_rights import EXPECTED

pytestmark = pytest.mark.integration

EVIL = "https://evil.example"
FOREIGN = (
    {"Origin": EVIL}, {"Origin": "null"}, {"Origin": "//["}, {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
)  # fmt: skip
SAFE = {"get", "head"}
BESIDE = [("GET", "/"), ("GET", "/assets/none.js"), ("GET", "/api/nothing"), ("GET", "/a/none"), ("POST", "/a/none"),
          ("GET", "/api/openapi.json"), ("OPTIONS", "/api/alerts"), ("TRACE", "/"), ("GET", "/public/x")]  # fmt: skip
FILE_NAME = re.compile(r"""attachment; filename="[\w.-]+"(; filename\*=UTF-8''[\w.%~-]+)?""")
FORMULA = '=HYPERLINK("https://evil.example")'


@pytest.fixture(scope="module")
def two(shared_database_url: str) -> Two:
    return build_two(shared_database_url)


@pytest.fixture(scope="module")
def served(two: Two) -> Iterator[Served]:
    with serve(two.world) as running:
        yield running


def routes() -> list[tuple[str, str, dict[str, Any]]]:
    """All the document describes, with ids that stand for nothing."""
    found = [
        (method, path, operation)
        for path, methods in described()["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(found) > 190
    return [(method, re.sub(r"\{\w+\}", "1", path), operation) for method, path, operation in found]


def test_no_route_that_changes_something_serves_another_site(served: Served) -> None:
    client = served.client()
    changing = [(method, path) for method, path, _ in routes() if method not in SAFE] + [("post", "/a/none")]
    assert len(changing) > 90
    for method, path in changing:
        for headers in FOREIGN:
            request = client.build_request(method, path, json={})
            del request.headers["origin"]
            request.headers.update(headers)
            answer = client.send(request)
            assert answer.status_code == 403, (method, path, headers, answer.text)
            assert answer.json()["type"] == "urn:anhu:problem:origin-refused"
    assert client.get("/api/session").status_code == 200  # nobody was signed out by it


def test_no_other_site_opens_the_websocket(served: Served) -> None:
    client = served.client()
    for origin in (EVIL, "null", "//[", served.url.replace("http", "https") + "0"):
        with pytest.raises(InvalidStatus) as caught, served.socket(client, origin=origin):
            pass
        assert caught.value.response.status_code == 403


def test_every_answer_has_the_headers_whatever_it_is(served: Served) -> None:
    client, nobody = served.client(), served.client(signed_in=False)
    asked = [(method.upper(), path) for method, path, _ in routes()] + BESIDE
    for method, path in asked:
        answers = [nobody.request(method, path), client.request(method, path, headers={"Origin": EVIL})]
        if method.lower() in SAFE:  # as somebody who may, what changes something would be done
            answers.append(client.request(method, path))
        for answer in answers:
            held(answer, (method, path, answer.status_code))
    for answer in (
        nobody.get("/api/alerts?x=%00"), nobody.post("/api/session", content=b"x" * 100_000),
        nobody.post("/api/session", content=b"{", headers={"Content-Type": "application/json"}),
    ):  # fmt: skip
        assert answer.headers["content-type"] == "application/problem+json"
        held(answer, (str(answer.url), answer.status_code))


def held(answer: httpx.Response, what: object) -> None:
    headers = answer.headers
    parts = [part.split() for part in headers["content-security-policy"].split(";")]
    policy = {name: set(allowed) for name, *allowed in parts}
    assert policy["default-src"] in ({"'self'"}, {"'none'"}), what
    assert policy["frame-ancestors"] == {"'none'"}, what
    assert not {"'unsafe-inline'", "'unsafe-eval'"} & policy.get("script-src", policy["default-src"]), what
    assert headers["x-content-type-options"] == "nosniff", what
    assert headers["referrer-policy"] == "same-origin", what
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin", what
    assert "camera=()" in headers["permissions-policy"], what
    assert not [name for name in headers if name.startswith("access-control-")], what
    assert "server" not in headers, what
    path = answer.request.url.path
    if path.startswith(("/api", "/a/")) and not path.startswith("/api/public/"):
        assert headers["cache-control"] == "no-store", what
    assert "strict-transport-security" not in headers, what  # it was plain http


def test_over_https_browsers_are_told_to_stay_there_and_the_cookie_is_of_this_host_alone(two: Two) -> None:
    with serve(two.world, trusted_proxies=["127.0.0.1"], secure_cookie="always") as served:
        behind = {"X-Forwarded-Proto": "https", "Origin": served.url.replace("http", "https")}
        client = served.client(signed_in=False)
        client.headers.update(behind)
        answer = sign_in(client, two.passwords["operator"], "operator")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert "strict-transport-security" not in httpx.get(f"{served.url}/healthz").headers
        cookie = answer.headers["set-cookie"]
        name, token = cookie.split(";")[0].split("=")
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert name == auth.SECURE_COOKIE == "__Host-anhu_session"
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= parts
        assert not [part for part in parts if part.startswith("domain")]
        asked = client.build_request("GET", "/api/session")
        for cookies, status in ((f"{name}={token}", 200), (f"anhu_session={token}", 401)):
            asked.headers["cookie"] = cookies
            assert client.send(asked).status_code == status
        asked = client.build_request("DELETE", "/api/session", headers={"Cookie": f"{name}={token}"})
        ended = client.send(asked)
        assert ended.status_code == 204
        assert ended.headers["set-cookie"].startswith(f'{name}="";')
        assert "secure" in ended.headers["set-cookie"].lower()  # else the browser would keep it


def test_a_session_is_never_one_that_somebody_brought_along(two: Two, served: Served) -> None:
    planted = "A" * 43
    client = served.client(signed_in=False)
    request = client.build_request(
        "POST", "/api/session", json={"username": "operator", "password": two.passwords["operator"]},
        headers={"Cookie": f"anhu_session={planted}"},
    )  # fmt: skip
    answer = client.send(request)
    assert answer.status_code == 200
    assert planted not in answer.headers["set-cookie"]
    first, again = client.cookies[auth.COOKIE], served.client(signed_in=False)
    sign_in(again, two.passwords["operator"], "operator").raise_for_status()
    assert again.cookies[auth.COOKIE] != first
    stale = httpx.get(f"{served.url}/api/session", headers={"Cookie": f"anhu_session={planted}"})
    assert stale.status_code == 401


def test_the_host_header_stands_in_no_answer(served: Served) -> None:
    client = served.client()
    for method, path, _ in [*routes(), ("get", "/", {}), ("get", "/a/none", {}), ("get", "/public/x", {})]:
        if method in SAFE:
            answer = client.request(method, path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
            assert "evil.example" not in answer.text + str(answer.headers), path


@pytest.mark.parametrize(
    "onward",
    ["//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "/\tx",
     "/\n/x", "/x\r\nSet-Cookie: a=b", "", "x", "/" + "x" * 600, "/é"],
)  # fmt: skip
def test_a_sign_in_leads_to_no_other_site(onward: str) -> None:
    assert _ONWARD.fullmatch(onward) is None
    assert _ONWARD.fullmatch("/alerts/1?tab=x#y")


def test_every_route_refuses_a_body_that_is_told_to_be_too_long_before_it_comes(served: Served) -> None:
    taking = [(method, path) for method, path, operation in routes() if "requestBody" in operation]
    assert len(taking) > 80
    for method, path in taking:
        connection = http.client.HTTPConnection(served.host, timeout=15)
        connection.putrequest(method.upper(), path)
        connection.putheader("Content-Length", str(100 * 2**20))
        connection.endheaders()  # and not one byte of it
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("content-type")) == (413, "application/problem+json"), (method, path)
        connection.close()


def test_every_route_for_files_refuses_one_whose_length_is_not_told(two: Two, served: Served) -> None:
    client = served.client()
    uploads = [
        (method.upper(), path)
        for path, methods in described()["paths"].items()
        for method, operation in methods.items()
        if set(operation.get("requestBody", {}).get("content", {})) - {"application/json"}
    ]
    assert len(uploads) >= 6
    for route in uploads:
        known = EXPECTED[route]
        own = {name: two.stands_for(each) for name, each in known.own.items()}
        more = own.pop("", {}) | (known.body or {}) if known.picture else {}
        path = route[1].format(**own) + (f"?{known.query}" if known.query else "")

        def endless() -> Iterator[bytes]:
            for _ in range(20 * 16):
                yield bytes(2**16)

        answer = client.request(route[0], path, params=more or None, content=endless())
        assert answer.status_code == 413, (route, answer.text)
        parts = [("file", (f"{number}.jpg", b"x", "image/jpeg")) for number in range(1500)]
        answer = client.request(route[0], path, params=more or None, files=parts)
        assert answer.status_code in (413, 422), (route, answer.text)
        for bad in (b"", b"\xff\xd8\xff\xe0" + bytes(2000), b"PK\x03\x04" + bytes(2000), b"<svg" * 500):
            answer = client.request(route[0], path, params=more or None, content=bad)
            assert answer.status_code == 422, (route, bad[:4], answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [b'{"name":"\\u0000"}', b'{"\\u0000":1}', b'{"name":"\\ud800"}', b'{"name":NaN}', b"[" * 50_000, b'{"a":' * 10_000,
     '{"name":"x"}'.encode("utf-16"), b'{"name":"\xff"}', b'{"name":"x"} {}', b'{"note":[["a\\u0000"]]}'],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_before_any_route_sees_it(served: Served, body: bytes) -> None:
    client = served.client(signed_in=False)
    for kind in ("application/json", "application/merge-patch+json; charset=utf-8", "Application/JSON"):
        answer = client.post("/api/handovers", content=body, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:anhu:problem:bad-request"), answer.text


def test_a_backslash_before_u0000_is_no_nul(served: Served) -> None:
    answer = served.client(signed_in=False).post(
        "/api/handovers", content=b'{"note":"\\\\u0000"}', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 401  # it went on to who asks


def test_a_hazard_is_reported_at_a_place_of_the_institution_alone(two: Two, served: Served) -> None:
    client = served.client()
    for place in (
        {"zone_id": 2**31 - 1},
        {"device_id": 129_000},
        {"zone_id": two.far_zone},
        {"device_id": two.far_device},
    ):
        body = {"institution_id": two.world.home, "title": "x", "category": "fire", **place}
        answer = client.post("/api/hazards", json=body)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:anhu:problem:step-refused"), place


def test_no_cell_of_an_export_is_a_formula(two: Two, served: Served) -> None:
    with two.world.connect() as connection:
        for table in ("institutions", "zones", "devices", "persons"):
            connection.execute(f"UPDATE {table} SET name = %s".encode(), (FORMULA,))  # noqa: S608 - names from above
    client, seen = served.client(), 0
    for path, methods in described()["paths"].items():
        kinds = set(methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {}))
        if not [kind for kind in kinds if kind == "text/csv" or kind.endswith("spreadsheetml.sheet")] or len(kinds) > 1:
            continue  # of several kinds: a document that was uploaded
        known = EXPECTED["GET", path]
        reports = ("ledger", "notices", "campaigns", "year", "bulletin") if "{report}" in path else ("",)
        for report in reports:
            own = {name: two.stands_for(each) for name, each in known.own.items()} | (
                {"report": report} if report else {}
            )
            answer = client.get(path.format(**own) + (f"?{known.query}" if known.query else ""))
            if report and answer.status_code in (404, 422):
                continue
            assert answer.status_code == 200, (path, report, answer.text)
            assert re.fullmatch(
                r'attachment; filename="[\w.-]+"(; filename\*=UTF-8\'\'[\w.%~-]+)?',
                answer.headers["content-disposition"],
            )
            seen += FORMULA in text_of(answer.content, kinds, path)
    assert seen >= 3


def text_of(content: bytes, kinds: set[str], path: str) -> str:
    """All that stands in a file, none of which is a formula."""
    if kinds == {"text/csv"}:
        cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))], path
        return "\n".join(cells)
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        parts = {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xml")}
    sheets = "".join(text for name, text in parts.items() if name.startswith("xl/worksheets/"))
    assert "<f>" not in sheets, path
    assert "<hyperlink " not in sheets, path
    return "".join(parts.values()).replace("&quot;", '"')


def test_where_the_desk_must_be_reached_all_the_same_browsers_are_told_nothing(two: Two) -> None:
    with serve(two.world, trusted_proxies=["127.0.0.1"], https_only_days=0) as served:
        answer = httpx.get(f"{served.url}/healthz", headers={"X-Forwarded-Proto": "https"})
        assert "strict-transport-security" not in answer.headers
