"""The embedded MQTT broker: its settings, its own accounts, its port on the loopback interface."""

import base64
import json
import random
import signal
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anhu import broker_access, probe
from anhu.broker_access import ADMIN_USER, DEVICE_USER, PASSWORD_ROUNDS, SERVICE_USER, Login, password_hash
from anhu.data_folder import DataFolder
from anhu.debian import Progress
from anhu.errors import CertificatesUnusable, DataFolderUnusable, ServicesFailed
from anhu.keeper import Program
from anhu.language import text
from anhu.packages import Mosquitto

HOST = "127.0.0.1"
TOPICS = "#"  # gateways have topics of their own; which of them are read is the routes' business
PORT_FIRST, PORT_LAST = 18_830, 28_829  # below every usual range of ephemeral ports
PORT_TRIES_MAX = 50
ANSWER_TIME_S_MAX = 30.0

SETTINGS = """\
# Written at every start.
listener {port} {host}
socket_domain ipv4
allow_anonymous false
{access}
persistence true
persistence_location {folder}/
# a crash takes with it what was acknowledged since, also a session that is younger: then devices speak to nobody
autosave_interval 10
persistent_client_expiration 7d
set_tcp_nodelay true
max_connections 10000
# as many messages under way as the intake may take in one batch, so that it is never starved
max_inflight_messages 20000
# what is kept for an intake that is away: whichever is reached first
max_queued_messages 1000000
max_queued_bytes 268435456
# 1 MiB and the longest topic: such a payload still reaches the dead letters, a longer one is refused
max_packet_size 1114624
log_dest stderr
log_timestamp_format %Y-%m-%dT%H:%M:%S
log_type error
log_type warning
log_type notice
connection_messages false
"""
TLS_LISTENER = """\
# Gateways and devices, from the network.
listener {port} {host}
certfile {folder}/server.pem
keyfile {folder}/server.key
tls_version tlsv1.2
"""
# The plugin keeps accounts and rights, and `anhu broker sync` changes them; without it there are only our own.
BY_PLUGIN = """\
plugin {plugin}
plugin_opt_config_file {folder}/dynamic-security.json"""
BY_FILES = """\
password_file {folder}/passwords
acl_file {folder}/topics"""
RIGHTS = """\
user {user}
topic readwrite {topics}
topic read $SYS/#

user {device_user}
# only the service calls for a drill (and signs it: a broker without this line is fooled by nobody)
topic deny anhu/v1/+/drill
topic deny anhu/v1/+/+/drill
topic write {topics}
"""


@dataclass(frozen=True, slots=True)
class TlsListener:
    """Where the broker listens to the network, and the files of its certificate and key (PEM)."""

    host: str
    port: int
    certificate: Path
    key: Path


def url(port: int, user: str, password: str) -> str:
    """The address of the broker for one user."""
    return f"mqtt://{user}:{password}@{HOST}:{port}"


def password_line(user: str, password: str, salt: bytes) -> str:
    """A line of mosquitto's password file: PBKDF2 with SHA-512, as `mosquitto_passwd` writes it (type 7).

    >>> password_line("a", "b", bytes(12))[:24]
    'a:$7$101$AAAAAAAAAAAAAAA'
    """
    salt_text = base64.b64encode(salt).decode()
    return f"{user}:$7${PASSWORD_ROUNDS}${salt_text}${password_hash(password, salt)}\n"


def stable_port(folder: DataFolder, progress: Progress) -> int:
    """The port of the last start if it is free, otherwise a free one, remembered for the next start."""
    path = folder.path / "mqtt-port"
    last = int(path.read_text(encoding="ascii")) if path.exists() else None
    if last is not None and _is_free(last):
        return last
    draw = random.SystemRandom()
    for _ in range(PORT_TRIES_MAX):
        port = draw.randint(PORT_FIRST, PORT_LAST)
        if _is_free(port):
            break
    else:
        raise ServicesFailed(text("找不到空闲端口。", "No free port was found."))
    if last is not None:
        progress(text(f"端口 {last} 被占用，MQTT 改用 {port}。", f"Port {last} is taken; MQTT moves to {port}."))
    path.write_text(f"{port}\n", encoding="ascii")
    return port


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as mosquitto itself binds
        try:
            probe_socket.bind((HOST, port))
        except OSError:
            return False
    return True


def prepare(
    folder: DataFolder,
    mosquitto: Mosquitto,
    port: int,
    salts: tuple[bytes, bytes, bytes],
    tls: TlsListener | None = None,
) -> Program:
    """Write the broker's files; the program for the guardian to keep. A salt is 12 random bytes. Raises
    DataFolderUnusable when the accounts kept so far cannot be read, CertificatesUnusable."""
    home = folder.service_folder("mosquitto")
    kept = folder.secrets
    passwords = (SERVICE_USER, kept.mqtt), (DEVICE_USER, kept.mqtt_device), (ADMIN_USER, kept.mqtt_admin)
    logins = [Login(*each, salt) for each, salt in zip(passwords, salts, strict=True)]
    plugin = mosquitto.access_plugin
    if plugin is not None:
        _write_accounts(folder, home / "dynamic-security.json", logins)
        access = BY_PLUGIN.format(plugin=plugin, folder=home)
    else:
        lines = [password_line(each.user, each.password, each.salt) for each in logins[:2]]
        rights = RIGHTS.format(user=SERVICE_USER, device_user=DEVICE_USER, topics=TOPICS)
        folder.write_for_services(home / "passwords", "".join(lines))
        folder.write_for_services(home / "topics", rights)
        access = BY_FILES.format(folder=home)
    settings = SETTINGS.format(port=port, host=HOST, folder=home, access=access)
    if tls is not None:
        settings += _tls_listener(folder, home, tls)
    folder.write_for_services(home / "mosquitto.conf", settings)
    return Program(
        name="mosquitto",
        argv=[str(mosquitto.program), "-c", str(home / "mosquitto.conf")],
        env={"HOME": str(home), "LC_ALL": "C", "TZ": "UTC"},
        user_id=folder.service_user_id,
        folder=home,
        log_path=folder.log / "mosquitto.log",
        stop_steps=[(signal.SIGTERM, 15.0)],
        death_signal=signal.SIGTERM,
    )


def _tls_listener(folder: DataFolder, home: Path, tls: TlsListener) -> str:
    """Copies for the broker's own user, and the settings that name them. A key that does not fit is told here, where
    it can be told in words."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
        for source, name in ((tls.certificate, "server.pem"), (tls.key, "server.key")):
            folder.write_for_services(home / name, source.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CertificatesUnusable(
            text(
                f"MQTT 的证书 {tls.certificate} 或私钥不能用：{error}。可用 anhu tls init 建立。",
                f"The broker's certificate {tls.certificate} or its key is unusable: {error}. anhu tls init makes one.",
            )
        ) from error
    return TLS_LISTENER.format(port=tls.port, host=tls.host, folder=home)


def _write_accounts(folder: DataFolder, path: Path, logins: list[Login]) -> None:
    """Our own accounts as they are now, beside those that were made since."""
    try:
        existing = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        accounts = broker_access.document(existing, logins)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataFolderUnusable(f"{path}: {error}") from error
    folder.write_for_services(path, json.dumps(accounts, indent=2, ensure_ascii=False))


def wait_until_ready(address: str, still_alive: Callable[[], None]) -> None:
    """Wait until the broker accepts our password; `still_alive` raises when it is hopeless."""
    deadline_s = time.monotonic() + ANSWER_TIME_S_MAX
    while True:
        still_alive()
        trouble = probe.broker_trouble(address, time_s_max=2.0)
        if trouble is None:
            return
        if time.monotonic() > deadline_s:
            raise ServicesFailed(f"mosquitto: {trouble}")
        time.sleep(0.05)
