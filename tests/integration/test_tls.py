"""TLS at the broker's door, at the database's and at the page's, with certificates of a house's own: who is believed,
who is refused, and in which words."""

import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from typer.testing import CliRunner

from anhu import certificates, cli, embedded, mosquitto, packages, postgres, probe, runtime
from anhu.certificates import Pair
from anhu.data_folder import DataFolder
from anhu.errors import CertificatesUnusable
from anhu.mosquitto import TlsListener
from anhu.roles import now_us
from dashboard.auth import COOKIE
from dashboard.errors import CertificateUnusable
from dashboard.serve import configure
from dashboard.settings import DashboardSettings
from ingest import database
from ingest.errors import BrokerUnavailable, DatabaseUnavailable
from ingest.mqtt import Source
from ingest.settings import PipelineSettings
from tests.integration.dashboard_world import Served, World, build, serve, sign_in
from tests.integration.test_mqtts import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

HOST = "127.0.0.1"
runner = CliRunner()


class House(NamedTuple):
    """A running service of a house that has its own authority."""

    services: runtime.Services
    folder: Path
    broker_port: int
    database_port: int

    @property
    def authority(self) -> Path:
        """Whom this house believes."""
        return self.folder / "tls/ca.pem"

    def broker(self, host: str = HOST, port: int | None = None) -> str:
        """The address of the broker by TLS, as the service's user."""
        parts = urlsplit(self.services.mqtt_url)
        return f"mqtts://{parts.username}:{parts.password}@{host}:{port or self.broker_port}"

    def database(self, host: str = HOST, **parameters: str) -> str:
        """The address of the database by TCP."""
        parts = urlsplit(self.services.database_url)
        where = f"{parts.username}:{parts.password}@{host}:{self.database_port}/anhu"
        return f"postgresql://{where}?{urlencode(parameters)}"


@pytest.fixture(scope="module")
def house(services: runtime.Services, packages_dir: Path) -> Iterator[House]:
    """The embedded services with both doors open, by certificates of `anhu tls init`; beside those of the whole
    run, which are to start before our port is theirs."""
    folder = Path(tempfile.mkdtemp(prefix="anhu-test-", dir="/tmp"))
    folder.chmod(0o711)
    made = runner.invoke(cli.app, ["tls", "init", "--name", HOST, "--name", "anhu.lan", "--data-dir", str(folder)])
    assert made.exit_code == 0, made.output
    broker_port, database_port = free_port(), free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "PORT", database_port)
        data = DataFolder(folder)
        programs = packages.find(packages_dir, progress=print)
        postgres._initdb(data, programs.postgres, durable=False)
        for name in ("server.pem", "server.key"):
            data.write_for_services(data.postgres / name, (folder / "tls" / name).read_text())
        settings = f"listen_addresses = '{HOST}'\nssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n"
        data.write_for_services(data.postgres / "local.conf", settings)
        rules = f"local all all scram-sha-256\nhostssl all all {HOST}/32 scram-sha-256\n"
        data.write_for_services(data.postgres / "pg_hba.conf", rules)
        door = TlsListener(HOST, broker_port, folder / "tls/server.pem", folder / "tls/server.key")
        with runtime.start(folder, durable=False, progress=print, packages_dir=packages_dir, tls=door) as services:
            yield House(services, folder, broker_port, database_port)
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def no_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANHU_MQTT_CA_FILE", raising=False)


def opened(url: str) -> str:
    """What the intake's own client is told; "" where it is let in."""
    try:
        source = Source(url, "test-tls-house", PipelineSettings(), now_us)
        source.open()
    except BrokerUnavailable as error:
        return str(error)
    source.close()
    return ""


# paho leaves a socket whose certificate it refused to the garbage collector, which closes it
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_broker_is_believed_by_its_own_authority_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = opened(house.broker())
    assert "ANHU_MQTT_CA_FILE" in unknown
    assert urlsplit(house.services.mqtt_url).password not in unknown
    monkeypatch.setenv("ANHU_MQTT_CA_FILE", str(house.authority))
    assert opened(house.broker()) == ""
    assert probe.broker_trouble(house.broker(), 5.0) is None
    wrong = opened(house.broker("localhost"))  # the same broker, under a name it has no certificate for
    assert "another name" in wrong
    assert "another name" in (probe.broker_trouble(house.broker("localhost"), 5.0) or "")
    monkeypatch.setenv("ANHU_MQTT_CA_FILE", str(house.folder / "none.pem"))
    assert "none.pem" in opened(house.broker())


def test_an_expired_certificate_is_called_so(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    authority = certificates.make_authority("an authority of the tests", now - timedelta(days=9))
    expired = certificates.make_server(authority, [HOST], now - timedelta(days=3), days=1)
    write(tmp_path, expired)
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    monkeypatch.setenv("ANHU_MQTT_CA_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    with socket.create_server((HOST, 0)) as listener, Answering(listener, context) as port:
        assert "expired" in (probe.broker_trouble(house.broker(port=port), 5.0) or "")


class Answering:
    """Something that shakes hands by TLS in a thread, as often as it is asked, and says nothing."""

    def __init__(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        self._listener, self._context = listener, context

    def __enter__(self) -> int:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            with plain:
                try:
                    self._context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    continue


@pytest.mark.parametrize(("version", "welcome"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_the_broker_speaks_tls_of_today(house: House, version: str, welcome: bool) -> None:
    assert shakes_hands(house.broker_port, house.authority, version) == welcome


def test_nobody_is_let_in_in_clear(house: House) -> None:
    assert probe.broker_trouble(house.broker().replace("mqtts", "mqtt"), 5.0) is not None
    assert probe.broker_trouble(f"mqtts://{HOST}:{house.broker_port}", 5.0) is not None  # nor without an account


def shakes_hands(port: int, authority: Path, version: str) -> bool:
    """Whether a client that speaks that version alone comes to an understanding."""
    context = ssl.create_default_context(cafile=str(authority))
    context.set_ciphers("ALL:@SECLEVEL=0")  # or our own side would refuse an old version
    with pytest.warns(DeprecationWarning, match="TLSv1_1") if version == "TLSv1_1" else nullcontext():
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    try:
        with socket.create_connection((HOST, port), 5) as plain, context.wrap_socket(plain, server_hostname=HOST):
            return True
    except OSError:
        return False


def test_the_database_is_verified_by_name_and_authority(house: House, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(certificates.make_authority("somebody else", datetime.now(UTC)).certificate)
    full = {"sslmode": "verify-full", "sslrootcert": str(house.authority)}
    with database.connect(house.database(**full)) as connection:
        row = connection.execute("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    assert row is not None
    assert (row[0], row[1] in {"TLSv1.2", "TLSv1.3"}) == (True, True)
    for address, told in (
        (house.database("localhost", **full, hostaddr=HOST), "localhost"),
        (house.database(**{**full, "sslrootcert": str(other)}), "certificate verify failed"),
        (house.database(sslmode="disable"), "no pg_hba.conf entry"),
    ):
        with pytest.raises(DatabaseUnavailable, match=told) as refused:
            database.connect(address)
        assert urlsplit(address).password not in str(refused.value)
        assert told in (probe.database_trouble(address, 5.0) or "")


def test_an_authority_is_made_once_and_renews_for_the_same_names(house: House) -> None:
    def run(*arguments: str) -> str:
        done = runner.invoke(cli.app, ["tls", *arguments, "--data-dir", str(house.folder)])
        assert done.exit_code == 0, done.output
        return done.stdout

    again = runner.invoke(cli.app, ["tls", "init", "--name", "other.lan", "--data-dir", str(house.folder)])
    assert again.exit_code == 1
    before, shown = (house.folder / "tls/server.pem").read_bytes(), run("show")
    fingerprint = certificates.describe(house.authority.read_bytes()).fingerprint
    assert f"SHA-256 {fingerprint}" in shown
    assert "PRIVATE" not in shown
    run("renew", "--days", "30")
    renewed = (house.folder / "tls/server.pem").read_bytes()
    assert renewed != before
    assert certificates.describe(renewed).names == (HOST, "anhu.lan")
    assert certificates.vouches(house.authority.read_bytes(), renewed)
    assert f"SHA-256 {fingerprint}" in run("show")
    for name, mode in (("ca.key", 0o600), ("server.key", 0o600), ("ca.pem", 0o644)):
        assert (house.folder / "tls" / name).stat().st_mode & 0o777 == mode


def test_the_brokers_door_is_what_is_set_and_told_where_it_cannot_open(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANHU_CONFIG", str(data_dir / "none.toml"))
    monkeypatch.delenv("ANHU_BROKER_TLS_PORT", raising=False)
    assert embedded._tls_listener(data_dir) is None
    monkeypatch.setenv("ANHU_BROKER_TLS_PORT", "8883")
    monkeypatch.setenv("ANHU_BROKER_TLS_HOST", "192.0.2.1")
    door = embedded._tls_listener(data_dir)
    assert door == TlsListener("192.0.2.1", 8883, data_dir / "tls/server.pem", data_dir / "tls/server.key")
    data = DataFolder(data_dir)
    home = data.service_folder("mosquitto")
    with pytest.raises(CertificatesUnusable, match="anhu tls init"):  # nobody has made one yet
        mosquitto._tls_listener(data, home, door)
    (data_dir / "tls").mkdir()
    now = datetime.now(UTC)
    authority = certificates.make_authority("an authority of the tests", now)
    one, other = (certificates.make_server(authority, [HOST], now) for _ in range(2))
    write(data_dir / "tls", Pair(one.certificate, other.key))
    with pytest.raises(CertificatesUnusable):  # a key that is another's
        mosquitto._tls_listener(data, home, door)
    write(data_dir / "tls", one)
    assert "listener 8883 192.0.2.1\n" in mosquitto._tls_listener(data, home, door)
    assert (home / "server.key").stat().st_mode & 0o077 == 0


def test_a_certificate_never_outlives_its_authority() -> None:
    now = datetime.now(UTC)
    authority = certificates.make_authority("short", now, days=10)
    server = certificates.describe(certificates.make_server(authority, ["a"], now).certificate)
    assert server.not_after <= now + timedelta(days=10)
    with pytest.raises(CertificatesUnusable):
        certificates.make_server(authority, ["a"], now + timedelta(days=11))
    for names in ([], ["not a host name" * 30]):
        with pytest.raises(CertificatesUnusable):
            certificates.make_server(authority, names, now)
    with pytest.raises(CertificatesUnusable):
        certificates.describe(b"no certificate")


def write(folder: Path, pair: Pair) -> None:
    """A server's two files."""
    (folder / "server.key").write_bytes(pair.key)
    (folder / "server.pem").write_bytes(pair.certificate)


@pytest.fixture(scope="module")
def world(shared_database_url: str) -> World:
    return build(shared_database_url)


def test_the_page_by_https_alone_and_with_a_renewed_certificate(world: World, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = certificates.make_authority("an authority of the tests", now)
    write(tmp_path, certificates.make_server(authority, [HOST], now))
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))

    def shown() -> bytes:
        plain = socket.create_connection((HOST, port), 5)
        with plain, trusting.wrap_socket(plain, server_hostname=HOST) as wrapped:
            return wrapped.getpeercert(binary_form=True) or b""

    files = {"tls_certificate": tmp_path / "server.pem", "tls_key": tmp_path / "server.key", "tls_check_s": 1}
    with serve(world, **files) as served:
        url, port = f"https://{served.host}", int(served.host.rpartition(":")[2])
        with httpx.Client(base_url=url, headers={"Origin": url}, verify=trusting, timeout=15) as client:
            answer = sign_in(client, world.password)
            answer.raise_for_status()
            cookie = answer.headers["set-cookie"]
            assert f"{COOKIE}=" in cookie
            assert {"Secure", "HttpOnly"} <= {part.strip() for part in cookie.split(";")}
            assert client.get("/api/session").json()["username"] == "admin"
            assert "max-age=" in client.get("/healthz").headers["strict-transport-security"]
        with pytest.raises(httpx.TransportError):  # in clear nothing is answered, and so no password asked for
            httpx.get(f"http://{served.host}/", timeout=5)
        assert not shakes_hands(port, tmp_path / "ca.pem", "TLSv1_1")
        assert shakes_hands(port, tmp_path / "ca.pem", "TLSv1_2")
        first = shown()
        (tmp_path / "server.key").write_bytes(b"half a key")  # a renewal that is under way spoils nothing
        assert shown() == first
        write(tmp_path, certificates.make_server(authority, [HOST], now))
        wait_until(lambda: shown() != first, "the renewed certificate is shown")


def test_a_page_without_a_usable_certificate_does_not_start(shared_database_url: str, tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text("nothing")
    (tmp_path / "server.key").write_text("nothing")
    settings = DashboardSettings(tls_certificate=tmp_path / "server.pem", tls_key=tmp_path / "server.key")
    with pytest.raises(CertificateUnusable, match=r"server\.pem"):
        configure(shared_database_url, settings).load()
    with pytest.raises(ValueError, match="belong together"):
        DashboardSettings(tls_certificate=tmp_path / "server.pem")


def test_what_a_stranger_says_was_forwarded_counts_for_nothing(world: World) -> None:
    """Neither to escape the sign-in throttle, nor to put another address into a session, nor to have been reached by
    https; the word of a proxy in a trusted network counts."""

    guess = {"username": "admin", "password": "guess"}

    def tries(served: Served) -> list[int]:
        with httpx.Client(base_url=served.url, headers={"Origin": served.url}, timeout=15) as stranger:
            return [
                stranger.post("/api/session", json=guess, headers=forwarded(number)).status_code for number in range(6)
            ]

    def session(served: Served) -> tuple[str, bool, bool]:
        """The address on the account page, and whether cookie and answer took the connection for https."""
        with httpx.Client(base_url=served.url, headers={"Origin": served.url} | forwarded(9), timeout=15) as client:
            answer = client.post("/api/session", json={"username": "admin", "password": world.password})
            answer.raise_for_status()
            cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
            (here,) = (each for each in client.get("/api/account", headers=cookie).json()["sessions"] if each["this"])
            return (
                here["address"],
                "Secure" in answer.headers["set-cookie"],
                "strict-transport-security" in answer.headers,
            )

    with serve(world) as served:
        assert session(served) == (HOST, False, False)
        assert tries(served) == [401] * 5 + [429]
    with serve(world, trusted_proxies=["192.0.2.0/24"]) as served:  # one that this request does not come from
        assert session(served) == (HOST, False, False)
        assert tries(served) == [401] * 5 + [429]
    with serve(world, trusted_proxies=["127.0.0.0/8"]) as served:
        assert session(served) == ("10.9.8.9", True, True)
        assert tries(served) == [401] * 6


def forwarded(number: int) -> dict[str, str]:
    """What somebody says whom they speak for."""
    return {"X-Forwarded-For": f"10.9.8.{number}", "X-Real-IP": f"10.9.8.{number}", "X-Forwarded-Proto": "https"}
