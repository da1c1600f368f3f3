"""Text messages through whatever gateway there is: an HTTP request made from a template in the settings.

[notify]
sms_url = "https://sms.example.cn/send"
sms_headers = { Authorization = "Bearer …" }
sms_body = '{"mobile": "{phone}", "content": "{text}", "ref": "{key}"}'
sms_ok_field = "code"
sms_ok_value = "0"
"""

import json
import re
from typing import Final
from urllib.parse import quote

import orjson

from alerting.channels.http import Poster, refusal
from alerting.channels.letter import Letter
from alerting.delivery import Answer, Outcome
from alerting.errors import ContactInvalid
from alerting.settings import NotifySettings

_PHONE: Final = re.compile(r"\+?[0-9]{5,15}")


class TextMessages:
    """The channel."""

    def __init__(self, settings: NotifySettings, poster: Poster) -> None:
        self._settings = settings
        self._poster = poster

    def check(self, address: str) -> None:
        """See Channel.check."""
        if not _PHONE.fullmatch(address):
            raise ContactInvalid("a phone number is 5 to 15 digits, with + in front or not")

    def send(self, letter: Letter) -> Answer:
        """See Channel.send."""
        settings = self._settings
        if settings.sms_url is None:
            return Answer(Outcome.REFUSED, "no SMS gateway is configured")
        headers = {
            "Content-Type": "application/json",
            **{k: v.get_secret_value() for k, v in settings.sms_headers.items()},
        }
        as_json = "json" in headers["Content-Type"]
        values = {"phone": letter.address, "text": letter.text(settings.sms_bytes_max), "key": letter.key}
        body = settings.sms_body.get_secret_value()
        for name, value in values.items():
            written = json.dumps(value, ensure_ascii=False)[1:-1] if as_json else quote(value, safe="")
            body = body.replace("{" + name + "}", written)
        reply = self._poster.post(settings.sms_url.get_secret_value(), body.encode(), headers, anywhere=True)
        if isinstance(reply, Answer):
            return reply
        return refusal(reply) or answer(settings.sms_ok_field, settings.sms_ok_value, reply.body)


def answer(field: str, ok_value: str, body: bytes) -> Answer:
    """What the body of a 200 says: its member `field` (a.b: of a member) is `ok_value` where the message was taken."""
    if not field:
        return Answer(Outcome.SENT, "taken by the gateway")
    try:
        value = orjson.loads(body)
        for name in field.split("."):
            value = value[name]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return Answer(Outcome.LOST, "an answer that is none of the gateway's")
    if str(value) == ok_value:
        return Answer(Outcome.SENT, "taken by the gateway")
    return Answer(Outcome.FAILED, f"gateway code {str(value)[:20]}")
