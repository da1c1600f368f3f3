"""Sessions as the database last spoke of them, for the time when it cannot be asked.

A page that connects anew while the database is away (a reload, a network that broke) is let in by what is known here,
and by nothing else: a session the database has confirmed within the last minutes, and that has not ended since, as far
as this process was told. Times are seconds of one steady clock, given by the caller. For any thread.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from dashboard.store import OpenSession

COUNT_MAX: Final = 10_000  # the ones used longest ago go first


@dataclass(frozen=True, slots=True)
class _Known:
    """Whose session it is and until when that counts; nobody's once it has ended, for a token never comes back."""

    session: OpenSession | None
    until_s: float


class KnownSessions:
    """By the SHA-256 of their tokens. What the database says counts for `age_s_max`, but not beyond a session's end."""

    def __init__(self, age_s_max: float) -> None:
        self._age_s_max = age_s_max
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, token_sha256: bytes, session: OpenSession, now_s: float) -> None:
        """The database has just confirmed a session. One that has ended here stays ended: the answer was on its way."""
        with self._lock:
            known = self._known.get(token_sha256)
            if known is None or known.session is not None:
                self._put(token_sha256, session, now_s)

    def compare(self, asked: Collection[bytes], standing: Mapping[bytes, OpenSession], now_s: float) -> None:
        """The database was asked about these, and `standing` go on: the others have ended."""
        with self._lock:
            for token_sha256 in asked:
                known = self._known.get(token_sha256)
                if known is None or known.session is None:
                    continue
                if (session := standing.get(token_sha256)) is not None:
                    self._put(token_sha256, session, now_s, used=False)
                else:
                    self._known[token_sha256] = _Known(None, known.until_s)

    def end(self, token_sha256: bytes) -> None:
        """Somebody has signed out."""
        with self._lock:
            self._known[token_sha256] = _Known(None, 0.0)
            self._trim()

    def recall(self, token_sha256: bytes, now_s: float) -> OpenSession | None:
        """The session, None for one that is not known, not any more, or known too long ago."""
        with self._lock:
            known = self._known.get(token_sha256)
            return known.session if known is not None and now_s < known.until_s else None

    def tokens(self) -> set[bytes]:
        """Those that go on as far as is known: the database is to be asked about them while it answers."""
        with self._lock:
            return {token for token, known in self._known.items() if known.session is not None}

    def _put(self, token_sha256: bytes, session: OpenSession, now_s: float, *, used: bool = True) -> None:
        until_s = now_s + min(self._age_s_max, session.lasts.total_seconds())
        self._known[token_sha256] = _Known(session, until_s)
        if used:
            self._known.move_to_end(token_sha256)
            self._trim()

    def _trim(self) -> None:
        while len(self._known) > COUNT_MAX:
            self._known.popitem(last=False)
