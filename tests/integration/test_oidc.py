"""Signing in at a provider: all of its answer must be right, it says who somebody is and nothing else, and when it is
away the password is a way in."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from alerting.people import Role, Scope
from dashboard import oidc
from dashboard.oidc_settings import OidcSettings
from tests.integration import oidc_provider
from tests.integration.dashboard_world import Served, serve, sign_in
from tests.integration.oidc_provider import CLIENT_ID, SECRET, OidcProvider
from tests.integration.people_world import Two, build_two
from tests.integration.test_accounts import Somebody, refusal

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def two(shared_database_url: str) -> Two:
    return build_two(shared_database_url)


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with oidc_provider.running() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oidc")


def settings(provider: OidcProvider, **more: Any) -> OidcSettings:
    # The browser is led back to whatever page it began at: the tests' client follows by hand.
    provider.redirect_url = "http://127.0.0.1:1/api/session/oidc/callback"
    given = {"issuer": provider.issuer, "client_id": CLIENT_ID, "redirect_url": provider.redirect_url} | more
    return OidcSettings(**given)


@pytest.fixture(scope="module")
def served(two: Two, provider: OidcProvider, folder: Path) -> Iterator[Served]:
    (folder / "secret").write_text(f"{SECRET}\n")
    given = settings(provider, client_secret_file=folder / "secret", account_claim="anhu_name", label="单位门户")
    with serve(two.world, account_key=folder / "account.key", oidc=given) as running:
        yield running


@pytest.fixture(autouse=True)
def good(provider: OidcProvider) -> None:
    """A provider with nothing wrong."""
    provider.claims = {}
    provider.down = provider.alg_none = provider.another_issuer = provider.posts_secret = False
    provider.rotate()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and failures are looked at again at once; how long they are kept has tests of its own."""
    monkeypatch.setattr(oidc, "_KEYS_S_MIN", 0.0)
    monkeypatch.setattr(oidc, "_FAILED_S", 0.0)


def leave(client: httpx.Client, onward: str = "") -> str:
    """To the provider and back, as far as its answer: the address it leads to, of this site."""
    begun = client.get("/api/session/oidc", params={"next": onward} if onward else {})
    assert begun.status_code == 302, begun.text
    there = httpx.get(begun.headers["location"], trust_env=False)
    assert there.status_code == 302
    parts = urlsplit(there.headers["location"])
    return f"{parts.path}?{parts.query}"


def outcome(answer: httpx.Response) -> str:
    assert answer.status_code == 302
    parts = urlsplit(answer.headers["location"])
    assert parts.path == "/sign-in"
    return parse_qs(parts.query)["oidc"][0]


def try_it(served: Served, onward: str = "") -> tuple[str, httpx.Client]:
    client = served.client(signed_in=False)
    del client.headers["Origin"]  # a navigation names none
    return outcome(client.get(leave(client, onward))), client


def test_a_linked_person_signs_in_and_may_what_they_may_here(two: Two, served: Served, provider: OidcProvider, caplog):
    who = Somebody(served, "linked")
    manager = two.client(served, "institution_manager")
    assert served.client(signed_in=False).get("/api/session/ways").json() == {"oidc": {"label": "单位门户"}}
    provider.claims = {"sub": "subject-7", "role": "administrator", "groups": ["admin"]}
    with caplog.at_level(logging.WARNING):
        assert try_it(served)[0] == "unknown"
    link = {"subject": "subject-7"}
    assert manager.put(f"/api/people/{two.far_person}/identity", json=link).status_code == 404
    assert manager.put(f"/api/people/{who.id}/identity", json=link).status_code == 204
    assert manager.get(f"/api/people/{who.id}/account").json()["identity"]["subject"] == "subject-7"
    other = Somebody(served, "not-linked")
    assert refusal(manager.put(f"/api/people/{other.id}/identity", json=link)) == (409, "identity-taken")
    came, client = try_it(served)
    assert came == "done"
    client.headers["Origin"] = served.url
    user = client.get("/api/session").json()
    assert (user["username"], user["role"], user["scope"]["institution_id"]) == ("linked", "operator", two.world.home)
    assert client.get("/api/people").status_code == 403
    [session] = client.get("/api/account").json()["sessions"]
    assert (session["way"], session["second_factor"]) == ("oidc", False)
    assert manager.delete(f"/api/people/{who.id}/identity").status_code == 204
    assert client.get("/api/session").status_code == 401
    assert try_it(served)[0] == "unknown"
    assert [verb for verb, _ in who.acts()] == ["link_identity", "unlink_identity"]


def test_who_has_left_is_nobody(two: Two, served: Served, provider: OidcProvider):
    who = Somebody(served, "has-left")
    manager = two.client(served, "institution_manager")
    manager.put(f"/api/people/{who.id}/identity", json={"subject": "left"}).raise_for_status()
    provider.claims = {"sub": "left"}
    assert try_it(served)[0] == "done"
    manager.patch(f"/api/people/{who.id}", json={"active": False}).raise_for_status()
    assert try_it(served)[0] == "unknown"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"aud": [CLIENT_ID, "another"]}, {"azp": "another"},
        {"iss": "https://another.example"}, {"exp": int(time.time()) - 3600}, {"exp": None}, {"sub": None}, {"sub": ""},
        {"iat": int(time.time()) + 3600}, {"sub": 7},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_right_about_a_token_is_refused(served: Served, provider: OidcProvider, claims: dict[str, Any]):
    provider.claims = {"sub": "bad", "anhu_name": "bad-claims"} | claims
    came, client = try_it(served)
    assert came == "refused"
    assert "anhu_session" not in client.cookies


def test_a_token_signed_by_nobody_or_with_a_key_that_is_not_published_is_refused(
    served: Served, provider: OidcProvider
):
    provider.alg_none = True
    assert try_it(served)[0] == "refused"
    provider.alg_none = False
    provider.rotate(publish=False)
    assert try_it(served)[0] == "refused"


def test_new_keys_are_fetched_when_they_come(two: Two, served: Served, provider: OidcProvider):
    Somebody(served, "rotated")
    provider.claims = {"sub": "rotated", "anhu_name": "rotated"}
    assert try_it(served)[0] == "done"
    provider.rotate()
    assert try_it(served)[0] == "done"


def test_keys_are_not_asked_for_again_and_again(served: Served, provider: OidcProvider, monkeypatch):
    assert try_it(served)[0] == "unknown"  # its keys are known
    monkeypatch.setattr(oidc, "_KEYS_S_MIN", 3600.0)
    provider.rotate()
    asked = provider.asked.count("/keys")
    for _ in range(3):
        assert try_it(served)[0] == "refused"
    assert provider.asked.count("/keys") == asked


def test_the_answer_must_belong_to_this_browsers_sign_in(served: Served, provider: OidcProvider):
    Somebody(served, "browser")
    provider.claims = {"sub": "browser", "anhu_name": "browser"}
    mine, thiefs = served.client(signed_in=False), served.client(signed_in=False)
    back = leave(mine)
    assert outcome(thiefs.get(back)) == "expired"  # no cookie
    leave(thiefs)
    assert outcome(thiefs.get(back)) == "expired"  # that of another sign-in
    assert outcome(mine.get(back.replace("state=", "state=x"))) == "expired"
    assert outcome(mine.get(back)) == "expired"  # the wrong answer has used it up
    again = leave(mine)
    assert outcome(mine.get(f"{again}&iss=https://another.example")) == "refused"
    denied = leave(mine)
    assert outcome(mine.get(f"{denied.replace('code=', 'no=')}&error=access_denied")) == "refused"
    good = leave(mine)
    assert outcome(mine.get(good)) == "done"
    assert outcome(mine.get(good)) == "expired"  # and not twice
    for onward, wanted in (("/alerts?x=1", ["/alerts?x=1"]), ("//evil.example", None), ("https://evil.example", None)):
        client = served.client(signed_in=False)
        answer = client.get(leave(client, onward))
        assert parse_qs(urlsplit(answer.headers["location"]).query).get("next") == wanted, onward


def test_the_claim_links_once_and_never_an_administrator(two: Two, served: Served, provider: OidcProvider):
    who = Somebody(served, "by-claim")
    boss = Somebody(served, "boss-by-claim", Role.ADMINISTRATOR, Scope())
    provider.claims = {"sub": "first", "anhu_name": " By-Claim "}
    assert try_it(served)[0] == "done"
    assert who.acts() == [("link_identity", "oidc")]
    provider.claims = {"sub": "second", "anhu_name": "by-claim"}  # somebody who took over the name
    assert try_it(served)[0] == "unknown"
    provider.claims = {"sub": "third", "anhu_name": boss.name}
    assert try_it(served)[0] == "unknown"
    for nobody in ("nobody", "", 7, None, "\0"):
        provider.claims = {"sub": "fourth", "anhu_name": nobody}
        assert try_it(served)[0] == "unknown", nobody


def test_a_second_factor_is_the_providers_to_check_for_who_needs_one(two: Two, provider: OidcProvider, folder: Path):
    given = settings(provider, client_secret=SECRET, account_claim="anhu_name")
    key = folder / "account.key"
    with serve(two.world, account_key=key, oidc=given, second_factor_roles="supervisor") as served:
        Somebody(served, "must-have", Role.SUPERVISOR, Scope(None, "220322"))
        has = Somebody(served, "has-one")
        has.enrol(has.browser())
        for name in ("must-have", "has-one"):
            provider.claims = {"sub": name, "anhu_name": name}
            assert try_it(served)[0] == "second-factor"
            provider.claims["amr"] = ["pwd"]
            assert try_it(served)[0] == "second-factor"
            provider.claims["amr"] = ["pwd", "otp"]
            came, client = try_it(served)
            assert came == "done"
            assert client.get("/api/alerts").status_code == 200
    trusting = given.model_copy(update={"second_factor": True})
    with serve(two.world, account_key=key, oidc=trusting, second_factor_roles="supervisor") as served:
        provider.claims = {"sub": "must-have"}
        came, client = try_it(served)
        assert came == "done"
        assert client.get("/api/alerts").status_code == 200


def test_a_one_time_password_does_not_stand_in_the_way(two: Two, served: Served, provider: OidcProvider):
    manager = two.client(served, "institution_manager")
    wanted = {"name": "新人", "role": "operator", "scope": {"institution_id": two.world.home}, "username": "new-here"}
    password = manager.post("/api/people", json=wanted).json()["one_time_password"]
    provider.claims = {"sub": "new", "anhu_name": "new-here"}
    came, client = try_it(served)
    assert came == "done"
    assert client.get("/api/alerts").status_code == 200
    local = served.client(signed_in=False)
    assert sign_in(local, password, "new-here").json()["password_change_required"] is True
    assert local.get("/api/alerts").status_code == 403


def test_a_provider_that_is_away_is_told_and_the_password_works(two: Two, served: Served, provider: OidcProvider):
    who = Somebody(served, "stays")
    provider.claims = {"sub": "stays", "anhu_name": "stays"}
    client = served.client(signed_in=False)
    back = leave(client)
    provider.down = True
    assert outcome(client.get(back)) == "unavailable"
    assert sign_in(client, who.password, who.name).status_code == 200
    given = settings(provider, client_secret=SECRET)
    with serve(two.world, oidc=given) as anew:  # and one that starts meanwhile
        for _ in range(2):
            assert outcome(anew.client(signed_in=False).get("/api/session/oidc")) == "unavailable"
        assert anew.client().get("/api/alerts").status_code == 200
        provider.down = False
        provider.another_issuer = True
        assert outcome(anew.client(signed_in=False).get("/api/session/oidc")) == "unavailable"
        provider.another_issuer = False
        provider.posts_secret = True
        assert try_it(anew)[0] == "unknown"  # it came through: the provider took the secret from the body
    nobody_there = settings(provider, issuer="http://127.0.0.1:1")
    with serve(two.world, oidc=nobody_there) as anew:
        assert outcome(anew.client(signed_in=False).get("/api/session/oidc")) == "unavailable"


def test_a_wrong_secret_and_a_wrong_verifier_are_refused(two: Two, provider: OidcProvider, folder: Path):
    with serve(two.world, account_key=folder / "k", oidc=settings(provider, client_secret="wrong")) as served:
        assert try_it(served)[0] == "refused"


def test_without_a_provider_there_is_no_such_way(two: Two):
    with serve(two.world) as served:
        client = served.client(signed_in=False)
        assert client.get("/api/session/ways").json() == {"oidc": None}
        assert client.get("/api/session/oidc").status_code == 404
        assert client.get("/api/session/oidc/callback?code=x&state=y").status_code == 404
        manager = two.client(served, "institution_manager")
        link = manager.put(f"/api/people/{two.own_person}/identity", json={"subject": "x"})
        assert refusal(link) == (409, "provider-missing")
