"""The intake over TLS: a real broker that speaks nothing else."""

import ipaddress
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion

from anhu import packages, runtime
from anhu.roles import now_us
from ingest.message import Message
from ingest.mqtt import Source
from ingest.settings import PipelineSettings
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

HOST = "127.0.0.1"
LENGTHS = [
    20,
    300,
    40_000,
    1,
    16_384,
    70_000,
] * 50  # from many messages in a TLS record to many records for one message
SETTINGS = "listener {port} {host}\ncertfile {folder}/cert.pem\nkeyfile {folder}/key.pem\nallow_anonymous true\n"


def certify(folder: Path) -> None:
    """A certificate for this machine that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a broker of the tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .sign(key, SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def broker(program: Path, folder: Path) -> Iterator[int]:
    """mosquitto with TLS; its port."""
    port = free_port()
    with running_broker(program, folder, SETTINGS.format(port=port, host=HOST, folder=folder), port):
        yield port


@contextmanager
def running_broker(program: Path, folder: Path, settings: str, port: int) -> Iterator[None]:
    """mosquitto with those settings, which let it listen at `port`."""
    (folder / "mosquitto.conf").write_text(settings, encoding="utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", folder / "mosquitto.conf"], stdout=log, stderr=log)
    try:
        wait_until(lambda: is_listening(port), "the broker listens")
        yield
    finally:
        process.terminate()
        process.wait(30)


def is_listening(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def publish(port: int, certificate: Path, bodies: list[bytes]) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.tls_set(ca_certs=str(certificate))
    client.connect(HOST, port)
    client.loop_start()
    said = [client.publish("anhu/v1/home-1/d/readings", body, qos=1) for body in bodies]
    for each in said:
        each.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


def take(source: Source, count: int) -> list[Message]:
    found: list[Message] = []

    def enough() -> bool:
        found.extend(source.take(count_max=50, age_ms_max=5, wait_s=0.1))
        return len(found) >= count

    wait_until(enough, f"{count} messages have come")
    return found


def test_what_comes_over_tls_is_whole_in_order_and_acknowledged(
    services: runtime.Services, packages_dir: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = packages.system_mosquitto()
    program = installed.program if installed else packages.private_folder(packages_dir) / "usr/sbin/mosquitto"
    folder = data_dir / "tls"
    folder.mkdir(parents=True)
    certify(folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "cert.pem"))
    bodies = [bytes([65 + number % 26]) * length for number, length in enumerate(LENGTHS)]
    with broker(program, folder) as port:
        url = f"mqtts://{HOST}:{port}"
        first, second = (Source(url, "test-tls", PipelineSettings(), now_us) for _ in range(2))
        first.open()
        publish(port, folder / "cert.pem", bodies)
        found = take(first, len(bodies))
        first.ack(found[:-2])
        first.close()
        second.open()  # the same session: what was not acknowledged comes again, and nothing else
        again = take(second, 2)
        second.close()
    assert [each.payload for each in found] == bodies
    assert [each.payload for each in again] == bodies[-2:]
