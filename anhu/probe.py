"""Whether a database or a broker answers at an address, and if not, why."""

import os
import re
import socket

import psycopg

from anhu.language import text
from ingest.broker_tls import client_context, refusal
from ingest.errors import BrokerUnavailable
from ingest.mqtt import Address

CONNACK_BYTES = 4
REFUSALS = {
    1: "protocol version",
    2: "client id",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorised",
}


def database_trouble(address: str, time_s_max: float) -> str | None:
    """Why the database at a `postgresql://` address does not answer; None when it does."""
    try:
        with psycopg.connect(address, connect_timeout=max(2, int(time_s_max))) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        return without_password(str(error).strip())
    return None


def timescaledb_found(address: str, time_s_max: float) -> tuple[str, str] | None:
    """The version and edition (`apache`, `community`) of TimescaleDB in a database that answers; None without it."""
    with psycopg.connect(address, connect_timeout=max(2, int(time_s_max))) as connection:
        row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
        if row is None:
            return None
        licence = connection.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    return str(row[0]), "community" if licence and licence[0] == "timescale" else "apache"


def broker_trouble(address: str, time_s_max: float) -> str | None:
    """Why the broker at an `mqtt://` or `mqtts://` address does not take us in; None when it does, or one node of a
    cluster."""
    try:
        broker = Address.parse(address)
    except ValueError:
        return text("地址应为 mqtt://用户:密码@主机:端口", "the address should read mqtt://user:password@host:port")
    trouble: str | None = None
    for place in broker.nodes:
        trouble = _node_trouble(broker, place, time_s_max)
        if trouble is None:
            return None
    return trouble


def _node_trouble(broker: Address, place: tuple[str, int], time_s_max: float) -> str | None:
    try:
        with socket.create_connection(place, timeout=time_s_max) as plain:
            if not broker.tls:
                return _shake_hands(plain, broker.username, broker.password)
            with client_context().wrap_socket(plain, server_hostname=place[0]) as wrapped:
                return _shake_hands(wrapped, broker.username, broker.password)
    except BrokerUnavailable as error:
        return str(error)
    except OSError as error:
        return refusal(error)


def _shake_hands(connection: socket.socket, user: str | None, password: str | None) -> str | None:
    connection.sendall(connect_packet(f"anhu-probe-{os.getpid()}", user, password))
    answer = b""
    while len(answer) < CONNACK_BYTES:
        part = connection.recv(CONNACK_BYTES - len(answer))
        if not part:
            return text("连接被关闭", "the connection was closed")
        answer += part
    if answer[0] != 0x20:
        return text("对方不是 MQTT 服务器", "what answers is not an MQTT broker")
    if answer[3] != 0:
        return text("MQTT 拒绝：", "MQTT refused: ") + REFUSALS.get(answer[3], str(answer[3]))
    connection.sendall(b"\xe0\x00")  # DISCONNECT
    return None


def connect_packet(client_id: str, user: str | None, password: str | None) -> bytes:
    """The CONNECT packet of MQTT 3.1.1 with a clean session.

    >>> connect_packet("a", None, None).hex(" ")
    '10 0d 00 04 4d 51 54 54 04 02 00 0a 00 01 61'
    """
    fields = [client_id]
    flags = 0x02
    if user is not None:
        flags |= 0x80
        fields.append(user)
        if password is not None:
            flags |= 0x40
            fields.append(password)
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + (10).to_bytes(2, "big")
    for value in fields:
        data = value.encode()
        body += len(data).to_bytes(2, "big") + data
    return b"\x10" + _remaining_length(len(body)) + body


def _remaining_length(count: int) -> bytes:
    encoded = bytearray()
    while True:
        count, digit = divmod(count, 128)
        encoded.append(digit | (0x80 if count else 0))
        if not count:
            return bytes(encoded)


def without_password(words: str) -> str:
    """The words with the password of every address in them left out.

    >>> without_password("mqtt://a:b@host")
    'mqtt://a:***@host'
    """
    return re.sub(r"(://[^:/@\s]*):[^@/\s]*@", r"\1:***@", words)
