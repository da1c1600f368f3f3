"""Spreading what happens over the connected clients, each of whom sees what their scope covers.

No I/O of its own and no locks: everything here runs on the event loop's thread and never waits. The board always holds
what the newest frame led to, so that a client who gets the board and then every frame misses nothing and sees nothing
twice. A frame is serialised once, and its bytes are handed to each connection as they are.

What a write costs hardly depends on how many frames it carries, so with many clients the frames of several changes
share one: after each round the next one waits for a pause that grows with the number of clients (`Hub.pause_s`).
"""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode

from alerting.people import Person, Scope
from dashboard.schemas import iso

SLOW: Final = 1013  # try again later
# One write to one client takes some 15 µs of this thread, most of it in the kernel. With this pause between two rounds
# they take at most a third of a core, however fast alerts come, and a lone client never waits.
PAUSE_S_PER_CLIENT: Final = 40e-6
PAUSE_S_MAX: Final = 0.1
BAD_MESSAGE: Final = 1008
SIGNED_OUT: Final = 4401
NOT_PERMITTED: Final = 4403
STOPPING: Final = 1012
# What a snapshot holds besides its cursor, each a list; whoever publishes things of a section puts them here.
SECTIONS: Final = ("alerts", "institutions", "duty_checks", "drills")


class Wire(Protocol):
    """A connection to write to without waiting."""

    @property
    def waiting_bytes(self) -> int:
        """What was posted and has not left yet."""

    def post(self, data: bytes) -> None:
        """Send bytes that are a whole frame on the wire; nothing happens on a connection that is closing."""


def on_wire(text: str) -> bytes:
    """A text frame as a server sends it (RFC 6455): unmasked, so the same for every client."""
    return WireFrame(Opcode.TEXT, text.encode()).serialize(mask=False)


class Closing(NamedTuple):
    """Why a connection ends."""

    code: int
    reason: str


class Place(NamedTuple):
    """Where something belongs: to an institution of a region, or to the service itself (None, "")."""

    institution_id: int | None
    region: str

    def within(self, scope: Scope) -> bool:
        """Whether `scope` covers it."""
        return scope.covers(self.institution_id, self.region)


class Frame(NamedTuple):
    """Something to tell everybody whose scope covers its place; `data` as it goes on the wire."""

    place: Place
    data: bytes


class Shown(NamedTuple):
    """An entry of a snapshot: its place, its rank among the others, and its JSON."""

    place: Place
    rank: tuple[int | float | str, ...]
    json: str


Section = Mapping[Hashable, Shown | None]


@dataclass(frozen=True, slots=True)
class Update:
    """What changed: frames, and the entries of a snapshot they lead to (None: gone). With `fresh` the sections named
    are all there is, and every client gets a new snapshot instead of frames."""

    frames: Sequence[Frame] = ()
    sections: Mapping[str, Section] = field(default_factory=dict)
    cursor: int | None = None
    fresh: bool = False


class Board:
    """What a client begins with."""

    def __init__(self) -> None:
        self.cursor = 0
        self.ready = False  # whether there ever was a whole picture
        self.database_away = False
        self._sections: dict[str, dict[Hashable, Shown]] = {name: {} for name in SECTIONS}
        self._bodies: dict[Scope, str] = {}

    def take(self, update: Update) -> None:
        """Change what is shown."""
        self._bodies.clear()
        self.ready = self.ready or update.fresh
        if update.cursor is not None:
            self.cursor = update.cursor
        for name, changes in update.sections.items():
            section = {} if update.fresh else self._sections[name]
            for key, shown in changes.items():
                if shown is None:
                    section.pop(key, None)
                else:
                    section[key] = shown
            self._sections[name] = section

    def snapshot(self, scope: Scope, now: datetime) -> bytes:
        """The snapshot for somebody of that scope, as it goes on the wire; put together once for all of one scope."""
        body = self._bodies.get(scope)
        if body is None:
            body = self._bodies[scope] = ",".join(f'"{name}":[{self._list(name, scope)}]' for name in SECTIONS)
        away = "true" if self.database_away else "false"
        head = f'"type":"snapshot","cursor":{self.cursor},"server_time":"{iso(now)}","database_away":{away}'
        return on_wire(f"{{{head},{body}}}")

    def _list(self, name: str, scope: Scope) -> str:
        within = [shown for shown in self._sections[name].values() if shown.place.within(scope)]
        return ",".join(shown.json for shown in sorted(within, key=lambda shown: shown.rank))


class Client:
    """One connection and who is at its other end: a page on a `screen`, or a program with an access token."""

    def __init__(
        self, wire: Wire, session_sha256: bytes, person: Person, waiting_bytes_max: int, *, screen: bool = True
    ) -> None:
        self.session_sha256 = session_sha256
        self.person = person
        self.screen = screen
        self.watched: set[int] = set()
        self.closing: Closing | None = None
        self._wire = wire
        self._waiting_bytes_max = waiting_bytes_max
        self._ended = asyncio.Event()

    def post(self, data: bytes) -> None:
        """Send a frame; a client who is too far behind is closed instead, and comes back to a new snapshot."""
        if self.closing is not None:
            return
        if self._wire.waiting_bytes > self._waiting_bytes_max:
            self.close(SLOW, "too slow: connect again")
        else:
            self._wire.post(data)

    def close(self, code: int, reason: str) -> None:
        """End the connection."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            self._ended.set()

    async def ended(self) -> None:
        """Waits until the connection is to end."""
        await self._ended.wait()


class Hub:
    """All clients, by their scope, and the board they begin with."""

    def __init__(self, on_slow: Callable[[], None] = lambda: None) -> None:
        self.clients: set[Client] = set()
        self.board = Board()
        self._by_scope: dict[Scope, set[Client]] = {}
        self._on_slow = on_slow

    def admit(self, client: Client, now: datetime) -> bool:
        """Begin to serve `client`; False before there is anything to show."""
        if not self.board.ready:
            return False
        self._post(client, self.board.snapshot(client.person.scope, now))
        self.clients.add(client)
        self._by_scope.setdefault(client.person.scope, set()).add(client)
        return True

    def dismiss(self, client: Client) -> None:
        """Serve `client` no longer."""
        self.clients.discard(client)
        scope = client.person.scope
        alike = self._by_scope.get(scope)
        if alike is not None:
            alike.discard(client)
            if not alike:
                del self._by_scope[scope]

    @property
    def pause_s(self) -> float:
        """How long to wait after one call of `publish` before the next."""
        return min(PAUSE_S_MAX, PAUSE_S_PER_CLIENT * len(self.clients))

    def publish(self, updates: Iterable[Update], now: datetime) -> None:
        """Tell every client what of `updates` lies in their scope, in one write each."""
        written: dict[Scope, list[bytes]] = {scope: [] for scope in self._by_scope}
        for update in updates:
            self.board.take(update)
            for scope, parts in written.items():
                if update.fresh:
                    parts.append(self.board.snapshot(scope, now))
                else:
                    parts.extend(frame.data for frame in update.frames if frame.place.within(scope))
        for scope, parts in written.items():
            if data := b"".join(parts):
                for client in self._by_scope[scope]:
                    self._post(client, data)

    def broadcast(self, text: str) -> None:
        """Tell every client something that is about no institution and nobody's secret."""
        self.give(self.clients, text)

    def give(self, clients: Iterable[Client], text: str) -> None:
        """Tell some clients something."""
        data = on_wire(text)
        for client in clients:
            self._post(client, data)

    def end_sessions(self, ended: Callable[[bytes], bool]) -> None:
        """Close the clients whose session has ended."""
        for client in self.clients:
            if ended(client.session_sha256):
                client.close(SIGNED_OUT, "signed out")

    def compare(self, asked: Iterable[bytes], standing: Mapping[bytes, Person]) -> None:
        """Close the clients of the sessions `asked` about that do not stand any more, and have those come again whose
        role or scope is another one now."""
        known = frozenset(asked)
        for client in self.clients:
            if client.session_sha256 not in known:
                continue
            person = standing.get(client.session_sha256)
            if person is None:
                client.close(SIGNED_OUT, "signed out")
            elif (person.role, person.scope) != (client.person.role, client.person.scope):
                client.close(SLOW, "your role or scope has changed: connect again")

    def close_all(self) -> None:
        """Close every client: the service stops."""
        for client in self.clients:
            client.close(STOPPING, "the service stops")

    def sessions(self) -> set[bytes]:
        """The SHA-256 of the sessions that have a client."""
        return {client.session_sha256 for client in self.clients}

    def _post(self, client: Client, data: bytes) -> None:
        before = client.closing
        client.post(data)
        if before is None and client.closing is not None:
            self._on_slow()
