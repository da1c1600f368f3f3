"""Codes and their windows, recovery codes, the key that seals secrets, and how often a code may be tried."""

import stat
import threading
from pathlib import Path

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import recovery_code, totp
from dashboard.account_key import AccountKey
from dashboard.device_name import LENGTH_MAX, device_name
from dashboard.errors import AccountKeyUnusable
from dashboard.throttle import SignInThrottle
from dashboard.totp import STEP_S, Verdict

# RFC 6238, appendix B: SHA-1, the last six of the eight digits.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = ((59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
             (2000000000, "279037"), (20000000000, "353130"))  # fmt: skip


@pytest.mark.parametrize(("at_s", "code"), RFC_CODES)
def test_the_standards_own_codes_are_taken(at_s: int, code: str):
    judged = totp.judge(RFC_SECRET, code, at_s, used_step=0)
    assert (judged.verdict, judged.step) == (Verdict.RIGHT, at_s // STEP_S)


@given(st.integers(10, 10**8), st.integers(-4, 4), st.integers(-4, 4), st.floats(0, STEP_S, exclude_max=True))
def test_a_code_counts_one_step_around_now_and_after_the_last_one_taken(step, off, used, within_s):
    code = totp.code_at(RFC_SECRET, step + off)
    near = {totp.code_at(RFC_SECRET, step + each): step + each for each in (1, 0, -1)}
    judged = totp.judge(RFC_SECRET, code, step * STEP_S + within_s, used_step=step + used)
    if code not in near:
        assert judged.verdict is Verdict.WRONG
    elif max(each for each in (step - 1, step, step + 1) if totp.code_at(RFC_SECRET, each) == code) <= step + used:
        assert judged.verdict is Verdict.REPLAYED
    else:
        assert judged.verdict is Verdict.RIGHT
        assert judged.step is not None
        assert judged.step > step + used


@pytest.mark.parametrize("code", ["", "28708", "2870820", "２８７０８２", "28708a", "\udc80"])
def test_what_is_no_code_is_wrong(code: str):
    assert totp.judge(RFC_SECRET, code, 59, used_step=0).verdict is Verdict.WRONG


def test_an_app_reads_the_same_from_the_address():
    secret = totp.new_secret()
    app = pyotp.parse_uri(totp.uri(secret, "li.wei"))
    assert isinstance(app, pyotp.TOTP)
    assert (app.name, app.issuer, app.digits, app.interval) == ("li.wei", "Anhu", 6, STEP_S)
    assert app.at(1_800_000_000) == totp.code_at(secret, 1_800_000_000 // STEP_S)
    assert len({totp.new_secret() for _ in range(50)}) == 50
    assert len(secret) == 32


def test_recovery_codes_are_readable_different_and_known_however_typed():
    codes = recovery_code.draw()
    assert len(set(codes)) == recovery_code.COUNT
    for code in codes:
        assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
        assert not set(code) & set("01ilo")
        typed = code.upper().replace("-", " ")
        assert recovery_code.code_sha256(typed) == recovery_code.code_sha256(code)
    assert len({recovery_code.code_sha256(code) for code in codes}) == recovery_code.COUNT


def test_what_is_sealed_opens_with_its_key_for_its_purpose_alone(tmp_path: Path):
    path = tmp_path / "deep" / "account.key"
    sealed = AccountKey(path).seal(b"secret", "totp:1")
    assert b"secret" not in sealed
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["account.key"]
    assert AccountKey(path).open(sealed, "totp:1") == b"secret"  # another process, or after a restart
    assert AccountKey(path).seal(b"secret", "totp:1") != sealed
    for wrong, purpose in ((sealed, "totp:2"), (sealed[:-1] + bytes([sealed[-1] ^ 1]), "totp:1"), (b"", "totp:1")):
        with pytest.raises(AccountKeyUnusable):
            AccountKey(path).open(wrong, purpose)
    other = AccountKey(tmp_path / "other.key")
    other.seal(b"x", "x")
    with pytest.raises(AccountKeyUnusable):
        other.open(sealed, "totp:1")


def test_a_lost_or_broken_key_is_told_and_never_replaced(tmp_path: Path):
    path = tmp_path / "account.key"
    sealed = AccountKey(path).seal(b"secret", "x")
    path.unlink()
    with pytest.raises(AccountKeyUnusable):
        AccountKey(path).open(sealed, "x")
    assert not path.exists()
    for content in (b"", b"not base64!", b"AAAA"):
        path.write_bytes(content)
        with pytest.raises(AccountKeyUnusable):
            AccountKey(path).seal(b"secret", "x")
        assert path.read_bytes() == content
    with pytest.raises(AccountKeyUnusable):
        AccountKey(Path("/proc/nowhere/account.key")).seal(b"secret", "x")


def test_many_that_begin_at_once_have_one_key(tmp_path: Path):
    path, ready = tmp_path / "account.key", threading.Barrier(8)
    sealed: list[bytes] = []

    def begin() -> None:
        key = AccountKey(path)
        ready.wait()
        sealed.append(key.seal(b"secret", "x"))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [AccountKey(path).open(each, "x") for each in sealed] == [b"secret"] * 8


def test_codes_have_a_limit_of_their_own_wherever_they_come_from():
    throttle = SignInThrottle(pair_count_max=100, address_count_max=100, account_count_max=100, code_count_max=3)
    assert [throttle.attempt_code("admin", 0.0) for _ in range(3)] == [None] * 3
    assert throttle.attempt_code("admin", 0.0) == 300
    assert throttle.attempt_code("other", 0.0) is None
    throttle.code_succeeded("admin", 0.0)  # takes back its own try only
    assert throttle.attempt_code("admin", 0.0) is None
    assert throttle.attempt_code("admin", 0.0) is not None


def test_a_right_password_without_a_code_costs_nothing_and_gives_nothing_back():
    throttle = SignInThrottle(pair_count_max=3, address_count_max=100, account_count_max=100)
    for _ in range(50):
        assert throttle.attempt("admin", "10.0.0.1", 0.0) is None
        throttle.half_way("admin", "10.0.0.1", 0.0)
    for _ in range(3):  # a wrong code counts, and a right password in between does not make it forgotten
        assert throttle.attempt("admin", "10.0.0.1", 0.0) is None
        if throttle.attempt("admin", "10.0.0.1", 0.0) is None:
            throttle.half_way("admin", "10.0.0.1", 0.0)
    assert throttle.attempt("admin", "10.0.0.1", 0.0) is not None


def test_what_a_provider_refuses_is_counted_apart_from_passwords():
    throttle = SignInThrottle(elsewhere_count_max=3)
    for _ in range(20):  # its being away is nobody's fault
        assert throttle.attempt_elsewhere("10.0.0.1", 0.0) is None
        throttle.not_refused_elsewhere("10.0.0.1", 0.0)
    assert [throttle.attempt_elsewhere("10.0.0.1", 0.0) for _ in range(4)] == [None, None, None, 300]
    assert throttle.attempt_elsewhere("10.0.0.2", 0.0) is None
    assert throttle.attempt("admin", "10.0.0.1", 0.0) is None


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
         "Chrome · Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1",
         "Safari · iPhone"),
        ("Mozilla/5.0 (Linux; Android 15; PGT-AN10) AppleWebKit/537.36 Chrome/130.0 Mobile MicroMessenger/8.0.60",
         "WeChat · Android"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Windows"),
        ("curl/8.14.1", "curl"),
        ("<script>", ""),
        ("x" * 5000, "x" * 40),
    ],
)  # fmt: skip
def test_a_device_is_named_as_its_owner_knows_it(user_agent: str, name: str):
    assert device_name(user_agent) == name
    assert len(name) <= LENGTH_MAX
