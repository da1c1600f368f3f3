"""Posting with a time limit that holds: an answer that drips in byte by byte is given up like one that never comes."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from alerting.channels.networks import REFUSAL, Guard, Network, guarded, new_event_loop
from alerting.delivery import Answer, Outcome

ANSWER_BYTES_MAX: Final = 64 * 1024
_CONNECTIONS_MAX: Final = 64
_KEEP_ALIVE_S: Final = 15.0  # less than servers usually keep an idle connection
_SLACK_S: Final = 1.0
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503})
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, cut at ANSWER_BYTES_MAX."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Poster:
    """An HTTP client on an event loop of its own; any thread may post. Close it at the end.

    It posts to public addresses and `allowed` networks only, over connections of its own and past any proxy, which
    would look names up by itself; `anywhere` is for addresses out of the settings.
    """

    def __init__(self, time_limit_s: float, allowed: Sequence[Network] = ()) -> None:
        self._time_limit_s = time_limit_s
        self._allowed = allowed
        self._loop = new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="http", daemon=True)
        self._thread.start()
        limits = httpx.Limits(
            max_connections=_CONNECTIONS_MAX, max_keepalive_connections=_CONNECTIONS_MAX, keepalive_expiry=_KEEP_ALIVE_S
        )  # fmt: skip
        self._client = httpx.AsyncClient(timeout=time_limit_s, limits=limits, follow_redirects=False)
        self._guarded = httpx.AsyncClient(
            timeout=time_limit_s, limits=limits, follow_redirects=False, trust_env=False
        )  # fmt: skip

    def post(self, url: str, content: bytes, headers: Mapping[str, str], *, anywhere: bool = False) -> Reply | Answer:
        """The provider's reply, or what became of the message where none came."""
        client = self._client
        asked = self._post(client, url, content, headers) if anywhere else self._post_guarded(url, content, headers)
        waiting = asyncio.run_coroutine_threadsafe(asked, self._loop)
        try:
            return waiting.result(self._time_limit_s + _SLACK_S)
        except concurrent.futures.TimeoutError:
            waiting.cancel()
            return Answer(Outcome.LOST, "no answer in time")

    async def _post_guarded(self, url: str, content: bytes, headers: Mapping[str, str]) -> Reply | Answer:
        guard = Guard(self._allowed)
        with guarded(guard):
            answer = await self._post(self._guarded, url, content, headers)
        if guard.refused and isinstance(answer, Answer) and answer.outcome is Outcome.FAILED:
            return Answer(Outcome.REFUSED, REFUSAL)
        return answer

    async def _post(
        self, client: httpx.AsyncClient, url: str, content: bytes, headers: Mapping[str, str]
    ) -> Reply | Answer:
        try:
            async with (
                asyncio.timeout(self._time_limit_s),
                client.stream("POST", url, content=content, headers=dict(headers)) as response,
            ):
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > ANSWER_BYTES_MAX:
                        break
                return Reply(response.status_code, response.headers, body[:ANSWER_BYTES_MAX])
        # An exception's text may hold the address: only its kind is told.
        except _NOT_SENT as error:
            return Answer(Outcome.FAILED, f"no connection ({type(error).__name__})")
        except (httpx.HTTPError, TimeoutError) as error:
            return Answer(Outcome.LOST, f"no answer ({type(error).__name__})")
        except (httpx.InvalidURL, UnicodeError) as error:
            return Answer(Outcome.REFUSED, f"the address cannot be used ({type(error).__name__})")

    def close(self) -> None:
        """Close the connections and end the loop."""
        for client in (self._client, self._guarded):
            asyncio.run_coroutine_threadsafe(client.aclose(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


def refusal(reply: Reply) -> Answer | None:
    """What an HTTP status other than success makes of the message; None for success."""
    if 200 <= reply.status < 300:
        return None
    detail = f"HTTP {reply.status}"
    if reply.status in _LATER:
        return Answer(Outcome.FAILED, detail, retry_after_s(reply.headers))
    if reply.status >= 500:  # a gateway gave up on a server that may have done its work
        return Answer(Outcome.LOST, detail, retry_after_s(reply.headers))
    return Answer(Outcome.REFUSED, detail)


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The Retry-After header in seconds from `now`, written as seconds or as a date (RFC 9110 §10.2.3)."""
    written = headers.get("retry-after", "").strip()
    if written.isdecimal():
        return float(written)
    try:
        at = parsedate_to_datetime(written)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
