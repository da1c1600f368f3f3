"""Every channel against a local server that behaves like its provider: what it takes, refuses, and what gets lost."""

import asyncio
import logging
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from alerting.channels import Poster, check, open_channels
from alerting.channels.http import retry_after_s
from alerting.channels.letter import Letter
from alerting.channels.networks import REFUSAL
from alerting.delivery import Outcome
from alerting.errors import ContactInvalid
from alerting.settings import NotifySettings
from tests.integration.notify_world import LOCAL, SECRET, now
from tests.integration.providers import Say, dingtalk, feishu, provider, wecom

pytestmark = pytest.mark.integration
LETTER = Letter(
    push_id=uuid.UUID(int=7), contact_id=3, address="", title="【火警】安和养老院",
    body="烟雾 0.35 dB/m\n立即到现场确认",
    link="https://anhu.example/a/token", language="zh", form="alone", urgency=0, drill=False, alert_id=uuid.UUID(int=9),
)  # fmt: skip


@pytest.fixture
def poster() -> Iterator[Poster]:
    made = Poster(1.0, NotifySettings(**LOCAL).webhook_networks_allowed)
    yield made
    made.close()


def channels(poster: Poster, **settings: Any) -> Any:
    return open_channels(NotifySettings(**LOCAL | {"send_s_max": 1.0} | settings), poster)


@pytest.mark.parametrize(
    ("kind", "behaviour", "address", "wrong"),
    [
        ("wecom", wecom("key-1"), "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=key-1", "wecombot://key-2"),
        ("dingtalk", dingtalk("token", "SECabc"), "https://oapi.dingtalk.com/robot/send?access_token=token#SECabc",
         "dingtalk://SECabd@token"),
        ("feishu", feishu("token", "secret"), "https://open.feishu.cn/open-apis/bot/v2/hook/token#secret",
         "https://open.feishu.cn/open-apis/bot/v2/hook/token#other"),
    ],
)  # fmt: skip
def test_a_bot_takes_what_is_signed_and_a_refusal_with_http_200_is_no_delivery(
    poster: Poster, kind: str, behaviour: Any, address: str, wrong: str
) -> None:
    with provider(behaviour) as server:
        bot = channels(poster, **{f"{kind}_url": server.url})[kind]
        assert bot.send(replace(LETTER, address=address)).outcome is Outcome.SENT
        text = server.texts()[0]
        assert text.startswith("【火警】安和养老院")
        assert text.endswith("https://anhu.example/a/token")
        refused = bot.send(replace(LETTER, address=wrong))
        assert refused.outcome is Outcome.REFUSED
        long = replace(LETTER, address=address, body="\n".join(f"{n}. 设备 {n}" for n in range(5000)))
        assert bot.send(long).outcome is Outcome.SENT
        assert "完整列表" in server.texts()[-1]


@pytest.mark.parametrize(
    ("kind", "body", "outcome"),
    [
        ("wecom", {"errcode": 45009, "errmsg": "api freq out of limit"}, Outcome.FAILED),
        ("wecom", {"errcode": -1}, Outcome.FAILED),
        ("wecom", {"errcode": 93000}, Outcome.REFUSED),
        ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, Outcome.FAILED),
        ("dingtalk", {"errcode": 310000}, Outcome.REFUSED),
        ("feishu", {"code": 11232}, Outcome.FAILED),
        ("feishu", {"StatusCode": 0, "StatusMessage": "success"}, Outcome.SENT),
        ("feishu", {"code": 19001}, Outcome.REFUSED),
        ("wecom", "<html>", Outcome.LOST),
        ("wecom", {}, Outcome.LOST),
    ],
)
def test_what_a_bots_answer_means(poster: Poster, kind: str, body: Any, outcome: Outcome) -> None:
    address = {"wecom": "wecombot://key-1", "dingtalk": "dingtalk://token", "feishu": "feishu://token"}[kind]
    with provider(lambda _: Say(body)) as server:
        answer = channels(poster, **{f"{kind}_url": server.url})[kind].send(replace(LETTER, address=address))
        assert answer.outcome is outcome
        if "limit" in str(body) or "fast" in str(body):
            assert answer.retry_after_s == 60


@pytest.mark.parametrize(
    ("say", "outcome", "detail"),
    [
        (Say(status=204), Outcome.SENT, "HTTP 204"),
        (Say(status=500), Outcome.FAILED, "HTTP 500"),
        (Say(status=504), Outcome.LOST, "HTTP 504"),
        (Say(status=429, headers={"Retry-After": "7"}), Outcome.FAILED, "HTTP 429"),
        (Say(status=404), Outcome.REFUSED, "HTTP 404"),
        (Say(status=302, headers={"Location": "http://elsewhere/"}), Outcome.REFUSED, "HTTP 302"),
        (Say(drop=True), Outcome.LOST, "no answer"),
        (Say(wait_s=30), Outcome.LOST, "no answer"),
        (Say("x" * 500, drip_s=0.3), Outcome.LOST, "no answer"),
    ],
)
def test_what_http_means_to_a_webhook(poster: Poster, say: Say, outcome: Outcome, detail: str) -> None:
    with provider(lambda _: say) as server:
        began_s = time.monotonic()
        answer = channels(poster)["webhook"].send(replace(LETTER, address=f"{server.url}/hook?k=v#{SECRET}"))
        assert time.monotonic() - began_s < 2.5
        assert answer.outcome is outcome
        assert answer.detail.startswith(detail)
        assert "127.0.0.1" not in answer.detail
        assert answer.retry_after_s == (7 if say.status == 429 else None)
        assert len(server.requests) == 1


def test_no_address_reaches_the_log(poster: Poster, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), provider(wecom("key-1")) as server:
        channels(poster, wecom_url=server.url)["wecom"].send(replace(LETTER, address="wecombot://key-1"))
        channels(poster)["webhook"].send(replace(LETTER, address=f"{server.url}/key-1#{SECRET}"))
    assert len(server.requests) == 2
    assert "key-1" not in caplog.text


def test_no_connection_is_no_delivery(poster: Poster) -> None:
    with provider() as server:
        url = server.url
    answer = channels(poster)["webhook"].send(replace(LETTER, address=f"{url}#{SECRET}"))
    assert answer.outcome is Outcome.FAILED


def test_retry_after_may_be_a_date() -> None:
    at = now().replace(year=2026, month=11, day=22, hour=2, minute=0, second=0, microsecond=0)
    assert retry_after_s({"retry-after": "Sun, 22 Nov 2026 02:00:30 GMT"}, at) == 30
    assert retry_after_s({"retry-after": "soon"}) is None
    assert retry_after_s({}) is None


def test_text_messages_go_by_the_template_and_its_answer(poster: Poster) -> None:
    settings = {
        "sms_body": '{"mobile": "{phone}", "content": "{text}", "ref": "{key}"}',
        "sms_headers": {"Authorization": "B x"},
        "sms_ok_field": "result.code", "sms_ok_value": "0",
    }  # fmt: skip
    codes = iter((0, 17))
    with provider(lambda _: Say({"result": {"code": next(codes)}})) as server:
        sms = channels(poster, sms_url=server.url, **settings)["sms"]
        quoted = replace(LETTER, address="13800000000", body='他说"着火了"\\')
        assert sms.send(quoted).outcome is Outcome.SENT
        assert sms.send(quoted).detail == "gateway code 17"
        document = server.requests[0].document
        assert document["mobile"] == "13800000000"
        assert '他说"着火了"\\' in document["content"]
        assert server.requests[0].headers["authorization"] == "B x"
        assert document["ref"] == LETTER.key
    assert channels(poster)["sms"].send(quoted).outcome is Outcome.REFUSED


class Mailbox:
    """What an SMTP server does with messages."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.rcpt_answer = "250 OK"
        self.data_answer = "250 OK"
        self.data_wait_s = 0.0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        self.messages.append(envelope.content)
        await asyncio.sleep(self.data_wait_s)
        return self.data_answer


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:  # aiosmtpd does not tell which port it was given
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, f"smtp://127.0.0.1:{port}"
    controller.stop()


def test_mail_carries_everything_and_tells_refusal_from_loss(poster: Poster, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    mail = channels(poster, smtp_url=url, smtp_from="anhu@example.cn")["email"]
    letter = replace(LETTER, address="li@example.cn", body="\n".join(f"{n}. 设备 {n}" for n in range(5000)))
    assert mail.send(letter).outcome is Outcome.SENT
    message = message_from_bytes(box.messages[0], policy=policy.default)
    assert message["Subject"] == "【火警】安和养老院"
    assert message["Message-ID"] == f"<{LETTER.key}@anhu>"
    content = message.get_content()
    assert "4999. 设备 4999" in content
    assert "https://anhu.example/a/token" in content
    box.rcpt_answer = "550 no such li@example.cn"
    refused = mail.send(letter)
    assert (refused.outcome, refused.detail) == (Outcome.REFUSED, "SMTP 550")
    box.rcpt_answer = "451 later"
    assert mail.send(letter).outcome is Outcome.FAILED
    box.rcpt_answer, box.data_wait_s = "250 OK", 5.0
    began_s = time.monotonic()
    assert mail.send(letter).outcome is Outcome.LOST
    assert time.monotonic() - began_s < 3
    nobody = channels(poster, smtp_url="smtp://127.0.0.1:9")["email"]
    assert nobody.send(letter).outcome is Outcome.FAILED


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # in one of apprise's plugins
def test_other_services_go_through_apprise_without_a_word_in_the_log(
    poster: Poster, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), provider() as server:
        other = channels(poster)["apprise"]
        address = server.url.replace("http", "json") + "/secret-path"
        assert other.send(replace(LETTER, address=address)).outcome is Outcome.SENT
        assert "【火警】" in server.requests[0].document["message"]
    assert "secret-path" not in caplog.text


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("wecom", "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abcd"),
        ("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a/../b"),
        ("dingtalk", "dingtalk://a b"),
        ("feishu", "feishu://"),
        ("email", "nobody"),
        ("email", "a@b.cn\r\nBcc: all@b.cn"),
        ("sms", "110; drop"),
        ("webhook", "https://example.cn/hook"),
        ("webhook", "ftp://example.cn/hook#" + SECRET),
        ("apprise", "nonsense"),
        ("fax", "1"),
        ("email", "x" * 1001),
    ],
)
def test_addresses_are_checked_and_never_repeated(poster: Poster, kind: str, address: str) -> None:
    with pytest.raises(ContactInvalid) as refused:
        check(channels(poster), kind, address)
    assert address not in str(refused.value) or len(address) == 1


def test_a_letter_keeps_its_address_to_itself() -> None:
    assert "13800000000" not in repr(replace(LETTER, address="13800000000"))


def test_a_contact_leads_into_no_network_that_was_not_allowed(poster: Poster) -> None:
    strict = Poster(1.0)
    try:
        with provider(wecom("key-1")) as server:
            port = server.url.rpartition(":")[2]
            made = open_channels(NotifySettings(send_s_max=1.0, webhook_plain_http=True, wecom_url=server.url), strict)
            hosts = "127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"  # noqa: S104 - not listened on
            for kind, address in [
                *(("webhook", f"http://{host}:{port}/hook#{SECRET}") for host in hosts),
                ("apprise", f"json://127.0.0.1:{port}/hook"),
                ("apprise", f"json://localhost:{port}/hook"),
            ]:
                with pytest.raises(ContactInvalid, match="webhook_networks_allowed") as refused:
                    check(made, kind, address)
                assert SECRET not in str(refused.value)
                answer = made[kind].send(replace(LETTER, address=address))
                assert (answer.outcome, answer.detail) == (Outcome.REFUSED, REFUSAL), address
            assert server.requests == []
            # A platform's address comes out of the settings: a private deployment is the administrator's own.
            assert made["wecom"].send(replace(LETTER, address="wecombot://key-1")).outcome is Outcome.SENT
            # A connection that was made for it is not lent to what a person set.
            answer = made["webhook"].send(replace(LETTER, address=f"{server.url}/hook#{SECRET}"))
            assert (answer.outcome, len(server.requests)) == (Outcome.REFUSED, 1)
            # The administrator names a network.
            allowed = channels(poster)
            for kind, address in (
                ("webhook", f"{server.url}/hook#{SECRET}"), ("apprise", f"json://127.0.0.1:{port}/hook")
            ):  # fmt: skip
                check(allowed, kind, address)
                assert allowed[kind].send(replace(LETTER, address=address)).outcome is Outcome.SENT
    finally:
        strict.close()


def test_a_name_that_points_elsewhere_when_it_is_sent_to_is_refused_then(monkeypatch: pytest.MonkeyPatch) -> None:
    strict = Poster(1.0)
    real = socket.getaddrinfo
    pointed_at = ["93.184.216.34"]

    def look_up(host: Any, *arguments: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return real(pointed_at[0] if name == "rebound.example" else host, *arguments, **more)

    try:
        with provider() as server:
            port = server.url.rpartition(":")[2]
            made = open_channels(NotifySettings(send_s_max=1.0, webhook_plain_http=True), strict)
            monkeypatch.setattr(socket, "getaddrinfo", look_up)
            for kind, address in (
                ("webhook", f"http://rebound.example:{port}/hook#{SECRET}"),
                ("apprise", f"json://rebound.example:{port}/hook"),
            ):
                pointed_at[0] = "93.184.216.34"
                check(made, kind, address)
                pointed_at[0] = "127.0.0.1"
                assert made[kind].send(replace(LETTER, address=address)).detail == REFUSAL
            assert server.requests == []
    finally:
        strict.close()


@pytest.mark.parametrize(("kind", "address"), [("webhook", "{url}/hook#" + SECRET), ("apprise", "json://{host}/hook")])
def test_a_redirect_is_not_followed(poster: Poster, kind: str, address: str) -> None:
    with provider(lambda _: Say(status=307, headers={"Location": "/elsewhere"})) as server:
        where = address.format(url=server.url, host=server.url.removeprefix("http://"))
        answer = channels(poster)[kind].send(replace(LETTER, address=where))
        assert answer.outcome is not Outcome.SENT
        assert [request.path for request in server.requests] == ["/hook"]
