"""Webhooks: JSON to an address of the reader's own, signed so that the receiver can tell it is from us and is recent.

    X-Anhu-Timestamp: 1795305600
    X-Anhu-Signature: sha256=HEX       HMAC-SHA256 of  timestamp "." body  with the shared secret
    Idempotency-Key: PUSH.CONTACT      the same at every attempt: take it once

The address is https://host/path#SECRET.
"""

import hmac
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

import orjson

from alerting.channels import networks
from alerting.channels.http import Poster, refusal
from alerting.channels.letter import Letter
from alerting.delivery import Answer, Outcome
from alerting.errors import ContactInvalid

SECRET_CHARS_MIN: Final = 16


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The X-Anhu-Signature of a body."""
    return "sha256=" + hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()


class Webhook:
    """The channel; `plain_http` permits addresses without TLS, `allowed` are networks that need not be public."""

    def __init__(self, poster: Poster, *, plain_http: bool, allowed: Sequence[networks.Network] = ()) -> None:
        self._poster = poster
        self._allowed = allowed
        self._schemes = ("https", "http") if plain_http else ("https",)

    def check(self, address: str) -> None:
        """See Channel.check."""
        url, _ = self._parsed(address)
        networks.check(urlsplit(url).hostname, self._allowed)

    def send(self, letter: Letter) -> Answer:
        """See Channel.send."""
        try:
            url, secret = self._parsed(letter.address)
        except ContactInvalid as error:
            return Answer(Outcome.REFUSED, str(error))
        document = {
            "id": letter.push_id, "form": letter.form, "urgency": letter.urgency, "drill": letter.drill,
            "alert_id": letter.alert_id, "title": letter.title, "text": letter.body, "link": letter.link,
            "language": letter.language,
        }  # fmt: skip
        body, timestamp = orjson.dumps(document), str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Anhu-Timestamp": timestamp,
            "X-Anhu-Signature": signature(secret, timestamp, body),
            "Idempotency-Key": letter.key,
        }
        reply = self._poster.post(url, body, headers)
        if isinstance(reply, Answer):
            return reply
        return refusal(reply) or Answer(Outcome.SENT, f"HTTP {reply.status}")

    def _parsed(self, address: str) -> tuple[str, str]:
        url = urlsplit(address.strip())
        secret = unquote(url.fragment)
        if url.scheme not in self._schemes or not url.hostname:
            raise ContactInvalid(f"a webhook's address begins with {' or '.join(self._schemes)}://")
        if len(secret) < SECRET_CHARS_MIN:
            raise ContactInvalid(f"a webhook needs a secret of at least {SECRET_CHARS_MIN} characters after a #")
        return url._replace(fragment="").geturl(), secret
