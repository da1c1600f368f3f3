"""Group bots of WeCom (企业微信), DingTalk (钉钉) and Feishu (飞书).

A bot's address is the webhook address its platform shows, with the signing secret after a `#` where it has one; the
forms of apprise are understood too (wecombot://KEY, dingtalk://SECRET@TOKEN, feishu://TOKEN). All three answer HTTP 200
to a message they do not take and say why in the body, which is why they are asked here and not through apprise: it
counts every 200 as delivered (docs/decisions/0006).
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

import orjson

from alerting.channels.http import Poster, refusal
from alerting.channels.letter import Letter
from alerting.delivery import Answer, Outcome
from alerting.errors import ContactInvalid

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{4,200}")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{0,200}")
_RATE_LIMITED_S: Final = 60.0  # all three allow so many messages a minute


@dataclass(frozen=True, slots=True)
class Platform:
    """What one bot platform wants, and what its answers mean.

    `send_path` holds `{token}`; `code_fields` are where the answer tells 0 for success; `limited` are codes of a rate
    limit, `later` of a passing trouble, and any other but 0 is a refusal.
    """

    name: str
    schemes: tuple[str, ...]
    query: str | None  # the token's name in the query, else it ends the path
    send_path: str
    bytes_max: int
    code_fields: tuple[str, ...]
    limited: frozenset[int]
    later: frozenset[int]
    request: Callable[[str, str, int], tuple[dict[str, Any], dict[str, str]]]


def _wecom(text: str, _secret: str, _at_ms: int) -> tuple[dict[str, Any], dict[str, str]]:
    return {"msgtype": "text", "text": {"content": text}}, {}


def _dingtalk(text: str, secret: str, at_ms: int) -> tuple[dict[str, Any], dict[str, str]]:
    document = {"msgtype": "text", "text": {"content": text}}
    if not secret:
        return document, {}
    digest = hmac.digest(secret.encode(), f"{at_ms}\n{secret}".encode(), "sha256")
    return document, {"timestamp": str(at_ms), "sign": base64.b64encode(digest).decode()}


def _feishu(text: str, secret: str, at_ms: int) -> tuple[dict[str, Any], dict[str, str]]:
    document: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if secret:
        at_s = str(at_ms // 1000)
        # Feishu signs an empty text with timestamp and secret as the key
        digest = hmac.new(f"{at_s}\n{secret}".encode(), b"", hashlib.sha256).digest()
        document |= {"timestamp": at_s, "sign": base64.b64encode(digest).decode()}
    return document, {}


WECOM: Final = Platform(
    "wecom", ("wecombot", "wecom"), "key", "/cgi-bin/webhook/send?key={token}", 2048, ("errcode",),
    limited=frozenset({45009}), later=frozenset({-1}), request=_wecom,
)  # fmt: skip
DINGTALK: Final = Platform(
    "dingtalk", ("dingtalk",), "access_token", "/robot/send?access_token={token}", 19_000, ("errcode",),
    limited=frozenset({130101, 410100, 660026}), later=frozenset({-1}), request=_dingtalk,
)  # fmt: skip
FEISHU: Final = Platform(
    "feishu", ("feishu",), None, "/open-apis/bot/v2/hook/{token}", 19_000, ("code", "StatusCode"),
    limited=frozenset({11232, 99991400}), later=frozenset(), request=_feishu,
)  # fmt: skip


class Bot:
    """The channel of one platform, whose server is at `base_url`."""

    def __init__(self, platform: Platform, base_url: str, poster: Poster) -> None:
        self._platform = platform
        self._base_url = base_url.rstrip("/")
        self._poster = poster

    def check(self, address: str) -> None:
        """See Channel.check."""
        _parsed(self._platform, address)

    def send(self, letter: Letter) -> Answer:
        """See Channel.send."""
        try:
            token, secret = _parsed(self._platform, letter.address)
        except ContactInvalid as error:
            return Answer(Outcome.REFUSED, str(error))
        text = letter.text(self._platform.bytes_max)
        document, query = self._platform.request(text, secret, time.time_ns() // 1_000_000)
        url = self._base_url + self._platform.send_path.format(token=token)
        url += "".join(f"&{name}={quote(value, safe='')}" for name, value in query.items())
        reply = self._poster.post(
            url, orjson.dumps(document), {"Content-Type": "application/json; charset=utf-8"}, anywhere=True
        )
        if isinstance(reply, Answer):
            return reply
        return refusal(reply) or answer(self._platform, reply.body)


def answer(platform: Platform, body: bytes) -> Answer:
    """What the body of a 200 says."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, Mapping):
        return Answer(Outcome.LOST, "an answer that is none of the platform's")
    code = next((document[name] for name in platform.code_fields if isinstance(document.get(name), int)), None)
    if code is None:
        return Answer(Outcome.LOST, "an answer without a code")
    detail = f"{platform.name} code {code}"  # not its message, which may repeat the address
    if code == 0:
        return Answer(Outcome.SENT, detail)
    if code in platform.limited:
        return Answer(Outcome.FAILED, detail, _RATE_LIMITED_S)
    return Answer(Outcome.FAILED if code in platform.later else Outcome.REFUSED, detail)


def _parsed(platform: Platform, address: str) -> tuple[str, str]:
    """Token and secret in an address. Raises ContactInvalid."""
    url = urlsplit(address.strip())
    secret = unquote(url.fragment)
    if url.scheme in platform.schemes:
        token, secret = url.netloc.rpartition("@")[2], url.username or secret
    elif url.scheme == "https":
        token = parse_qs(url.query).get(platform.query, [""])[0] if platform.query else url.path.rpartition("/")[2]
    else:
        token = ""
    if not _TOKEN.fullmatch(token) or not _SECRET.fullmatch(secret):
        raise ContactInvalid(f"this is no {platform.name} bot: give the webhook address, and its secret after a #")
    return token, secret
