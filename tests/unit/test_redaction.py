"""What never reaches a log, and what still does."""

import io
import json
import logging
import string
import sys
import threading

import pytest
import structlog
from hypothesis import assume, example, given
from hypothesis import strategies as st

from anhu import logs
from anhu.redaction import LEFT_OUT, Redactor, is_secret_name, secrets_of

WORD = st.text(string.ascii_letters + string.digits + "_-", min_size=12, max_size=40)
PHONE = st.from_regex(r"\A1[3-9][0-9]{9}\Z")


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        ('connection to "postgresql://anhu:tr0ub4dor@db/anhu" failed', "tr0ub4dor"),
        ("mqtts://gateway-1:p@ss@word@10.0.0.2:8883 refused", "ss@word"),
        ("host=db user=anhu password=tr0ub4dor sslmode=require", "tr0ub4dor"),
        ("password='tr0ub 4dor' host=db", "tr0ub 4dor"),
        ("Settings(database_password='tr0ub4dor', port=1)", "tr0ub4dor"),
        ('{"client_secret": "tr0ub4dor"}', "tr0ub4dor"),
        ("GET /x HTTP/1.1\r\nAuthorization: Bearer abc.def-ghi123", "abc.def-ghi123"),
        ("headers: [(b'authorization', b'Basic YW5odTpodW50ZXI=')]", "YW5odTpodW50ZXI="),
        ("cookie: anhu_session=Zm9vYmFy; other=1", "Zm9vYmFy"),
        ("(b'cookie', b'anhu_session=Zm9vYmFy')", "Zm9vYmFy"),
        ("token anhup_AbCdEfGhIjKlMnOpQrStUv was refused", "AbCdEfGhIjKlMnOpQrStUv"),
        ("POST https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx 400", "693a91f6-7xxx"),
        ("POST https://oapi.dingtalk.com/robot/send?access_token=abc123def&sign=QUJD 400", "abc123def"),
        ("POST https://open.feishu.cn/open-apis/bot/v2/hook/0b1c-22 429", "0b1c-22"),
        ("apprise: wecombot://693a91f6 was not told", "693a91f6"),
        ("otpauth://totp/Anhu:li?secret=JBSWY3DPEHPK3PXP&issuer=Anhu", "JBSWY3DPEHPK3PXP"),
        ("GET /api/session/oidc/callback?code=SplxlOBeZQQY&state=xyz99 302", "SplxlOBeZQQY"),
        ("no text message to 13812345678: blocked", "13812345678"),
        ("no text message to +86 138-1234-5678: blocked", "138-1234-5678"),
        ("calls 0311-86543210 in vain", "0311-86543210"),
        ("DETAIL:  Failing row contains (7, 王秀英, 2 楼, cannot walk).", "王秀英"),
        ("DETAIL:  Key (name)=(王秀英) already exists.", "王秀英"),
        ("name: input should be short [type=string, input_value='王秀英', input_type=str]", "王秀英"),
        ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----", "MHcCAQEE"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(words: str, secret: str) -> None:
    shown = Redactor().words(words)
    assert secret in words
    assert secret not in shown
    assert LEFT_OUT in shown


@pytest.mark.parametrize(
    "words",
    [
        "batch of 5000 stored in 12.5 ms",
        "anhu/v1/home-1/smk-13/readings: unknown quantity 'smoke'",
        "measured_at 1764307200000000 is 1764307200000 ms too far ahead",
        "10.0.0.7:8883: certificate verify failed: Hostname mismatch",
        "2026-11-28T05:24:07.123456Z",
        'relation "alerts" does not exist',
        "GET /api/alerts?kind=fire&limit=20 200",
        "postgresql://db.example:5432/anhu",
        "厨房 烟感 报警",
    ],
)
def test_what_is_none_stays(words: str) -> None:
    assert Redactor().words(words) == words


@given(
    WORD, st.sampled_from(["mqtt://anhu:{}@host", "password={}", "Bearer {}", "anhu_session={}", "?access_token={}"])
)
@example("------------", "mqtt://anhu:{}@host")
def test_no_secret_survives_its_place(secret: str, place: str) -> None:
    assert secret not in Redactor().words(f"before {place.format(secret)} after")


@given(PHONE, st.text(max_size=20), st.text(max_size=20))
def test_no_mobile_number_survives(phone: str, before: str, after: str) -> None:
    assume(not (before[-1:].isdigit() or before[-1:] == "." or after[:1].isdigit() or after[:1] == "."))
    assert phone not in Redactor().words(before + phone + after)


# Any text, with a space, a quote or a percent sign in it too, where it stands literally.
@given(st.text(min_size=6).filter(lambda secret: LEFT_OUT not in secret and secret.strip("*")), st.text(), st.text())
def test_a_known_secret_is_found_wherever_it_stands(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    value = {"event": before + secret + after, "more": [{"deep": (secret, secret.encode("utf-8", "ignore"))}]}
    hidden = redactor.value(value)
    assert redactor._known is not None
    assert not redactor._known.search(hidden["more"][0]["deep"][0].replace(LEFT_OUT, ""))
    assert hidden["more"][0]["deep"][0] != secret


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_any_value_can_be_looked_at_and_written(value: object) -> None:
    json.dumps(Redactor(["secret1"]).value(value))


@given(st.text())
def test_looking_twice_changes_nothing_more(words: str) -> None:
    once = Redactor().words(words)
    assert Redactor().words(once) == once


def test_fields_are_known_by_their_names() -> None:
    assert all(map(is_secret_name, ("password", "Authorization", "set-cookie", "mqtt_password", "contact", "resident")))
    assert not any(map(is_secret_name, ("topic", "tokens_count", "contact_kind", "address", "person_id", "reason")))


def test_secrets_are_those_of_the_settings() -> None:
    env = {
        "ANHU_DATABASE_URL": "postgresql://anhu:p%40ssw0rd@db/anhu", "ANHU_NOTIFY_SMS_SECRET": "smssecret",
        "ANHU_OIDC_CLIENT_SECRET_FILE": "/etc/anhu/oidc", "ANHU_DASHBOARD_ACCOUNT_KEY": "/etc/anhu/key",
        "PGPASSWORD": "pgpass1", "PATH": "/bin", "ANHU_MQTT_URL": "mqtt://[broken",
    }  # fmt: skip
    assert secrets_of(env) == {"p%40ssw0rd", "smssecret", "pgpass1"}
    shown = Redactor(secrets_of(env)).words("p@ssw0rd and p%40ssw0rd, smssecret")
    assert shown == f"{LEFT_OUT} and {LEFT_OUT}, {LEFT_OUT}"


class Refused(Exception):
    """Somebody was not let in."""


def refuse() -> None:
    raise Refused("cannot log in with hunter2hunter2")


@pytest.mark.parametrize("terminal", [False, True])
def test_everything_that_is_logged_passes_the_sieve(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own events, other libraries' lines and arguments, traces with their causes, and what nobody caught."""
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    for name in ("excepthook", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("ANHU_DATABASE_URL", "postgresql://anhu:hunter2hunter2@db/anhu")
    try:
        logs.configure()
        structlog.get_logger("t").info("told 13812345678", password="opensesame", nested={"cookie": "c00kie-value"})
        logging.getLogger("uvicorn.access").info('%s - "%s" %d', "1.2.3.4", "GET /x?access_token=querytoken HTTP", 200)
        try:
            try:
                refuse()
            except Refused as error:
                raise ValueError("mqtt://a:causepass@b") from error
        except ValueError:
            structlog.get_logger("t").exception("failed")
            logging.getLogger("paho").exception("failed too")
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        thread = threading.Thread(target=lambda: 1 / int("password=threadpass"), name="worker")
        thread.start()
        thread.join()
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:], root.level = before, level
        structlog.reset_defaults()
    shown = stream.getvalue()
    for secret in (
        "13812345678",
        "opensesame",
        "c00kie-value",
        "querytoken",
        "hunter2hunter2",
        "causepass",
        "threadpass",
    ):
        assert secret not in shown, secret
    assert shown.count("Refused") >= 3  # the traces are there all the same
    assert "uncaught error in a thread" in shown
    if not terminal:
        assert all(json.loads(line)["event"] for line in shown.splitlines())
