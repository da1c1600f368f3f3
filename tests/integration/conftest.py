"""What the integration tests of the intake and the alerting core start from."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from anhu import packages, runtime
from dashboard import auth
from ingest.database import Connection, connect, of_server
from tests.conftest import drop_database, make_database
from tests.integration import storage_world
from tests.integration.world import World, begin_session, end_session


@pytest.fixture(scope="package", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hashes that take hardly any time, while this folder's tests run: every other one signs in. The real ones are for
    tests/unit/test_dashboard_auth.py, which a worker may run after these, and for the service's own processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        auth._nobodys_hash.cache_clear()
        yield
    auth._nobodys_hash.cache_clear()


@pytest.fixture
def world(database_url: str) -> World:
    """A database with one registered home."""
    return World(database_url)


@pytest.fixture
def session_url(mqtt_url: str) -> Iterator[str]:
    """The broker, with a fresh session for a pipeline, which is forgotten again at the end."""
    begin_session(mqtt_url)
    yield mqtt_url
    end_session(mqtt_url)


@pytest.fixture
def empty_database_url(services: runtime.Services) -> Iterator[str]:
    """A database in which nothing has been migrated."""
    name = "anhu_test_empty"
    make_database(services.database_url, name, "anhu")
    yield of_server(services.database_url, name)
    drop_database(services.database_url, name)


@pytest.fixture(scope="session")
def mosquitto_pub(services: runtime.Services, packages_dir: Path) -> Path:
    """mosquitto's own publisher: of this machine, or of the private programs."""
    installed = shutil.which("mosquitto_pub")
    path = Path(installed) if installed else packages.private_folder(packages_dir) / "usr/bin/mosquitto_pub"
    assert path.exists(), "mosquitto_pub is missing: apt install mosquitto-clients"
    return path


@pytest.fixture(scope="module")
def storage_url(shared_database_url: str) -> str:
    """A database with one home, for all tests of a file: each cleans up."""
    World(shared_database_url)
    return shared_database_url


@pytest.fixture
def undone(storage_url: str) -> Iterator[Connection]:
    """A connection in a transaction that is undone; the rollups stand at BEGIN."""
    with connect(storage_url) as opened, opened.transaction(force_rollback=True):
        storage_world.begin_at(opened, storage_world.BEGIN)
        yield opened


@pytest.fixture
def emptied(storage_url: str) -> Iterator[Connection]:
    """A connection that commits by itself; the rollups stand at BEGIN. Afterwards nothing is stored any more."""
    with connect(storage_url, autocommit=True) as opened:
        storage_world.begin_at(opened, storage_world.BEGIN)
        yield opened
        storage_world.empty(opened)
