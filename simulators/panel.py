"""A fire panel with its transmission device (用户信息传输装置), which connects, reports and obeys."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Self

from simulators import panel_wire as wire
from simulators.errors import PanelRefused
from simulators.panel_wire import Packet

CHINA: Final = timezone(timedelta(hours=8))
HEARTBEAT_S: Final = 25.0
ANSWER_S_MAX: Final = 10.0
RESENDS_MAX: Final = 3
CONNECT_S_MAX: Final = 10.0
FIRE, NORMAL, FAULT = 0x0002, 0x0001, 0x0004
RESET, MANUAL_ALARM, DUTY_ANSWER = 0x01, 0x04, 0x20


class Panel:
    """A transmission device and what is behind it, over one connection; a context manager.

    `address` and `centre` are six bytes in hex. `ahead_s` is how far its clock is ahead, until the centre sets it.
    `answers_duty` says whether somebody presses the button when the centre checks who is there.
    """

    def __init__(
        self,
        host: str,
        port: int,
        address: str,
        *,
        centre: str = "385b01000000",
        ahead_s: float = 0.0,
        answers_duty: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._to = host, port
        self._address, self._centre = bytes.fromhex(address), bytes.fromhex(centre)
        self._clock = clock
        self.ahead_s = ahead_s
        self._answers_duty = answers_duty
        self._states: dict[tuple[int, int], tuple[int, int, str]] = {}  # loop, number → type, state, description
        self._serial = 0
        self._replies: dict[int, int] = {}
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._gone = False
        self.ordered: list[Packet] = []  # what the centre has ordered or asked
        self._socket: socket.socket | None = None
        self._listener: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Raises OSError when nobody listens there."""
        self._socket = socket.create_connection(self._to, CONNECT_S_MAX)
        self._socket.settimeout(None)
        self._listener = threading.Thread(target=self._listen, args=(self._socket,), name="panel", daemon=True)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    @property
    def gone(self) -> bool:
        """Whether the connection has ended."""
        return self._gone

    def cut(self) -> None:
        """End the connection as a broken network does."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                self._gone = True  # the centre was quicker
            self._socket.close()
        if self._listener is not None and self._listener is not threading.current_thread():
            self._listener.join(CONNECT_S_MAX)

    def heartbeat(self) -> None:
        """What makers send every 20 to 30 s: a frame of command 2 without a unit. Raises PanelRefused."""
        self.send(b"")

    def component(self, loop: int, number: int, state: int, description: str = "", kind: int = 40) -> None:
        """Report a component's state. Raises PanelRefused."""
        self._states[loop, number] = kind, state, description
        self.send(wire.component_state(kind, loop, number, state, description, self.now()))

    def send(self, unit: bytes) -> None:
        """Send a unit until it is confirmed. Raises PanelRefused when it is denied or not answered, or the line cut."""
        serial, frame = self.frame(unit)
        for _ in range(1 + RESENDS_MAX):
            self.write(frame)
            if (reply := self.reply(serial)) is not None:
                break
        else:
            raise PanelRefused("the centre does not answer")
        if reply != wire.CONFIRM:
            raise PanelRefused(f"the centre has answered with command {reply}")

    def frame(self, unit: bytes, command: int = wire.SEND) -> tuple[int, bytes]:
        """The next frame of our own, not sent, with its serial number."""
        with self._changed:
            self._serial = self._serial % 0xFFFF + 1
            serial = self._serial
        return serial, wire.pack(serial, self.now(), self._address, self._centre, command, unit)

    def write(self, data: bytes) -> None:
        """Put bytes on the wire, whatever they are. Raises PanelRefused when the line is cut."""
        if self._socket is None:
            raise PanelRefused("the panel has not been connected")
        try:
            with self._sending:
                self._socket.sendall(data)
        except OSError as error:
            raise PanelRefused(f"the line is cut: {error}") from error

    def reply(self, serial: int, limit_s: float = ANSWER_S_MAX) -> int | None:
        """The command with which the centre answered that frame; None when it does not in time. Raises PanelRefused."""
        with self._changed:
            self._changed.wait_for(lambda: serial in self._replies or self._gone, limit_s)
            if serial not in self._replies and self._gone:
                raise PanelRefused("the centre has hung up")
            return self._replies.pop(serial, None)

    def now(self) -> bytes:
        """The time by its own clock, as it is sent."""
        return wire.time_tag(datetime.fromtimestamp(self._clock() + self.ahead_s, UTC).astimezone(CHINA))

    def _listen(self, line: socket.socket) -> None:
        unpacker = wire.Unpacker()
        try:
            while data := line.recv(4096):
                for packet in unpacker.push(data):
                    self._heard(packet)
        except (OSError, PanelRefused):
            self._gone = True
        finally:
            with self._changed:
                self._gone = True
                self._changed.notify_all()

    def _heard(self, packet: Packet) -> None:
        if packet.command in {wire.CONFIRM, wire.DENY}:
            with self._changed:
                self._replies[packet.serial] = packet.command
                self._changed.notify_all()
            return
        self.ordered.append(packet)
        command, unit = self._obey(packet)
        self.write(wire.pack(packet.serial, self.now(), self._address, packet.source, command, unit))
        if command == wire.CONFIRM and packet.unit[0] == 91 and self._answers_duty:
            self.write(self.frame(wire.device_operation(DUTY_ANSWER, 1, self.now()))[1])

    def _obey(self, packet: Packet) -> tuple[int, bytes]:
        """The command and unit to answer with."""
        kind, body = (packet.unit[0], packet.unit[2:]) if len(packet.unit) > 2 else (0, b"")
        if packet.command == wire.CONTROL and kind == 90:
            second, minute, hour, day, month, year = body
            told = datetime(2000 + year, month, day, hour, minute, second, tzinfo=CHINA)
            self.ahead_s = told.timestamp() - self._clock()
            return wire.CONFIRM, b""
        if packet.command == wire.CONTROL and kind == 91:
            return wire.CONFIRM, b""
        if packet.command == wire.REQUEST and kind == 61:
            burning = any(state & FIRE for _, state, _ in self._states.values())
            return wire.ANSWER, wire.system_state(FIRE if burning else NORMAL, self.now())
        if packet.command == wire.REQUEST and kind == 62:
            number, loop = int.from_bytes(body[2:4], "little"), int.from_bytes(body[4:6], "little")
            known = self._states.get((loop, number))
            if known is not None:
                return wire.ANSWER, wire.component_state(known[0], loop, number, known[1], known[2], self.now())
        if packet.command == wire.REQUEST and kind == 81:
            return wire.ANSWER, wire.device_state(NORMAL, self.now())
        if packet.command == wire.REQUEST and kind == 88:
            return wire.ANSWER, wire.device_time(self.now())
        return wire.DENY, b""


def run(
    panel: Panel, stop: threading.Event, *, alarm_after_s: float | None, loop: int, number: int, description: str
) -> None:
    """Heartbeats until `stop`; a smoke detector's alarm after a while, taken back with a reset five minutes later.

    Raises PanelRefused, OSError.
    """
    with panel:
        begun_s = time.monotonic()
        steps: list[tuple[float, Callable[[], None]]] = []
        if alarm_after_s is not None:

            def over() -> None:
                panel.component(loop, number, NORMAL, description)
                panel.send(wire.operation(RESET, 1, panel.now()))

            steps = [(alarm_after_s, lambda: panel.component(loop, number, FIRE, description)),
                     (alarm_after_s + 300.0, over)]  # fmt: skip
        beat_s = begun_s
        while not stop.is_set():
            now_s = time.monotonic()
            if now_s >= beat_s:
                panel.heartbeat()
                beat_s = now_s + HEARTBEAT_S
            while steps and now_s - begun_s >= steps[0][0]:
                steps.pop(0)[1]()
            stop.wait(min([beat_s - now_s, *(begun_s + at - now_s for at, _ in steps[:1])]))
            if panel.gone:
                raise PanelRefused("the centre has hung up")
