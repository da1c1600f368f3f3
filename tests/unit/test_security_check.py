"""How safely a service is run: each verdict of each check, from facts alone."""

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anhu import security_check, security_facts
from anhu.language import Language
from anhu.security_finding import Address, Facts, FileMode, Page, Verdict
from anhu.security_store import DatabaseFacts
from ingest.reach import Guard

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
DATABASE = DatabaseFacts(
    superuser=False, row_security=Guard.READY, administrators_with_one_factor=(), one_time_passwords=(), idle_users=(),
    signed_at=NOW - timedelta(hours=1), records=True, enrolled=1,
)  # fmt: skip
PAGE = Page(
    "127.0.0.1", https=False, trusted_proxies=(), secure_cookie="auto", metrics_networks=("127.0.0.0/8", "::1/128"),
    second_factor_roles=("administrator",),
)  # fmt: skip
SAFE = Facts(
    now=NOW, private_files=(FileMode("secrets.json", 0o600),), database_address=Address("/run/pg", verified=False),
    database=DATABASE, broker=Address("127.0.0.1", verified=False), shared_account_open=False,
    certificates=(("server.pem", NOW + timedelta(days=200)),), page=PAGE, account_key_present=True, embedded=True,
    backup_at=NOW - timedelta(days=1), clock_synchronised=True, dead_man_set=True,
    package_lists_at=NOW - timedelta(days=1), restart_wanted=False,
)  # fmt: skip
GOOD, DOUBT, BAD = Verdict.GOOD, Verdict.DOUBT, Verdict.BAD


def database(**changes: Any) -> dict[str, Any]:
    return {"database": replace(DATABASE, **changes)}


def page(**changes: Any) -> dict[str, Any]:
    return {"page": replace(PAGE, **changes)}


LIST = [
    ("Files of secrets", {"private_files": (FileMode("secrets.json", 0o640),)}, BAD, "0640"),
    ("Files of secrets", {"private_files": (FileMode("account.key", 0o604),)}, BAD, "account.key"),
    ("Way to the database", {"database_address": None}, DOUBT, "no database"),
    ("Way to the database", {"database_address": Address("10.0.0.3", verified=False)}, BAD, "10.0.0.3"),
    ("Way to the database", {"database_address": Address("db.lan", verified=True)}, GOOD, "verify-full"),
    ("Database user", database(superuser=True), BAD, "superuser"),
    ("Database user", {"database": None}, DOUBT, "cannot be seen"),
    ("Row-level security", database(row_security=Guard.NO_ROLE), BAD, "not in force"),
    ("Row-level security", database(row_security=Guard.NO_GRANTS), BAD, "not in force"),
    ("Way to the broker", {"broker": Address("10.0.0.4", verified=False)}, BAD, "mqtt://10.0.0.4"),
    ("Way to the broker", {"broker": Address("10.0.0.4", verified=True)}, GOOD, "mqtts://"),
    ("Way to the broker", {"broker": None}, DOUBT, "cannot be seen"),
    ("Account shared by devices", {"shared_account_open": True}, DOUBT, "open"),
    ("Account shared by devices", {"shared_account_open": None}, DOUBT, "cannot be seen"),
    ("Certificates", {"certificates": (("a.pem", NOW),)}, BAD, "a.pem"),
    ("Certificates", {"certificates": (("a.pem", NOW + timedelta(days=29)),)}, DOUBT, "30 days"),
    ("Certificates", {"certificates": (("a.pem", None),)}, DOUBT, "a.pem"),
    ("Certificates", {"certificates": ()}, GOOD, "0"),
    ("Way to the page", page(host="192.0.2.1"), BAD, "http://192.0.2.1"),
    ("Way to the page", page(host="192.0.2.1", https=True), GOOD, "https"),
    ("Way to the page", page(host="192.0.2.1", trusted_proxies=("10.0.0.2",)), DOUBT, "10.0.0.2"),
    ("Trusted networks", page(metrics_networks=("0.0.0.0/0",)), BAD, "0.0.0.0/0"),
    ("Trusted networks", page(metrics_networks=("::/0",)), BAD, "::/0"),
    ("Trusted networks", page(trusted_proxies=("*",)), BAD, "*"),
    ("Trusted networks", page(trusted_proxies=("10.0.0.0/8", "proxy.lan")), GOOD, "none"),
    ("Session cookie", page(secure_cookie="never"), BAD, "never"),
    ("Administrators' second factor", page(second_factor_roles=()), DOUBT, "nobody must"),
    ("Administrators' second factor",
     page(second_factor_roles=()) | database(administrators_with_one_factor=("admin",)), BAD, "admin"),
    ("Administrators' second factor", database(administrators_with_one_factor=("admin",)), GOOD, "next sign-in: admin"),
    ("Account key", {"account_key_present": False}, BAD, "lost"),
    ("Account key", {"account_key_present": False} | database(enrolled=0), GOOD, "not needed"),
    ("Account key", {"account_key_present": False, "database": None}, DOUBT, "cannot be seen"),
    ("First passwords", database(one_time_passwords=("li", "wang")), DOUBT, "li, wang"),
    ("Accounts out of use", database(idle_users=tuple("abcdefg")), DOUBT, "a, b, c, d, e … (+2)"),
    ("Ledger signed", database(signed_at=NOW - timedelta(hours=25)), BAD, "2026-11-27"),
    ("Ledger signed", database(signed_at=None), BAD, "never"),
    ("Ledger signed", database(signed_at=None, records=False), GOOD, "nothing on record"),
    ("Backup", {"backup_at": None}, BAD, "never"),
    ("Backup", {"backup_at": NOW - timedelta(days=9)}, BAD, "2026-11-19"),
    ("Backup", {"embedded": False}, DOUBT, "not seen from here"),
    ("Clock", {"clock_synchronised": False}, BAD, "not synchronised"),
    ("Clock", {"clock_synchronised": None}, DOUBT, "cannot be told"),
    ("Dead man's switch", {"dead_man_set": False}, DOUBT, "not set"),
    ("System updates", {"restart_wanted": True}, DOUBT, "restart"),
    ("System updates", {"package_lists_at": NOW - timedelta(days=15)}, DOUBT, "15 days"),
    ("System updates", {"package_lists_at": None}, DOUBT, "cannot be told"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "verdict", "seen"), LIST)
def test_one_thing_that_is_otherwise(name: str, changes: dict[str, Any], verdict: Verdict, seen: str) -> None:
    findings = security_check.examine(replace(SAFE, **changes), Language.EN)
    (found,) = (each for each in findings if each.name == name)
    assert (found.verdict, seen in found.seen) == (verdict, True), found
    assert verdict is GOOD or (found.why and found.remedy)
    assert security_check.is_safe(findings) == all(each.verdict is not BAD for each in findings)
    assert security_check.is_safe(findings) or verdict is BAD


@pytest.mark.parametrize("language", list(Language))
def test_what_is_as_it_should_be_is_good(language: Language) -> None:
    findings = security_check.examine(SAFE, language)
    assert {each.verdict for each in findings} == {GOOD}
    assert len({each.name for each in findings}) == len(security_check.CHECKS)


def test_every_check_has_a_case_for_what_is_not_good() -> None:
    tried = {name for name, _, verdict, _ in LIST if verdict is not GOOD}
    assert tried == {each.name for each in security_check.examine(SAFE, Language.EN)}


def test_chinese_is_complete() -> None:
    for _, changes, _, _ in LIST:
        for each in security_check.examine(replace(SAFE, **changes), Language.ZH):
            for words in (each.name, each.why):
                assert not words or any("\u4e00" <= letter <= "\u9fff" for letter in words), each


@pytest.mark.parametrize(
    ("url", "local", "verified"),
    [
        ("postgresql://anhu:x@%2Frun%2Fanhu:5432/anhu", True, False),
        ("postgresql://anhu:x@127.0.0.1/anhu", True, False),
        ("host=db.lan user=anhu sslmode=verify-full", False, True),
        ("postgresql://anhu@db/anhu?sslmode=verify-ca", False, False),
        ("postgresql://anhu@localhost/anhu?hostaddr=10.0.0.3", False, False),  # the name is here, the server is not
        ("postgresql://anhu@h1,127.0.0.1/anhu", False, False),
        ("nonsense", False, False),
    ],
)
def test_where_a_database_is(url: str, local: bool, verified: bool) -> None:
    address = security_facts.database_address(url)
    assert (address.local, address.verified) == (local, verified)


def test_facts_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANHU_DATABASE_URL", "ANHU_MQTT_URL", "ANHU_ADMIN_MQTT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANHU_CONFIG", str(tmp_path / "anhu.toml"))
    (tmp_path / "anhu.toml").write_text('[broker]\ntls_port = 8883\n[oidc]\nclient_secret = "x"\n')
    for name in ("secrets.json", "ledger-key.pem", "anhu.toml"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    found = security_facts.gather({}, tmp_path, NOW)
    assert {(Path(each.path).name, each.mode) for each in found.private_files} == {
        ("secrets.json", 0o644), ("ledger-key.pem", 0o644), ("anhu.toml", 0o644),
    }  # fmt: skip
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o644  # only looked at
    assert found.certificates == ((str(tmp_path / "tls/server.pem"), None),)
    assert (found.database, found.broker, found.shared_account_open, found.backup_at) == (None, None, None, None)
