"""What every test may ask for: running services, a database of its own, the broker."""

import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psutil
import psycopg
import pytest
from psycopg import sql

from anhu import runtime
from anhu.commands.migrate import PACKAGES
from anhu.data_folder import default_data_dir
from ingest.database import migrate, of_server
from tests import recorded_database
from tests.commands import SPOOLS

# For the tests that call them alone: to import them takes every worker a second.
collect_ignore = ["integration/openapi_fuzz.py", "bombs.py"]
TEMPLATE = "anhu_template"
MEMORY_BYTES_MIN = 8 * 2**30
_numbers = itertools.count(1)

# How long an example takes on a loaded machine says nothing about the code.
hypothesis.settings.register_profile("anhu", deadline=None)
hypothesis.settings.load_profile("anhu")


def prepare_template(url: str) -> None:
    """Bring the template database to what every test starts from."""
    migrate(url, PACKAGES)


def make_database(url: str, database: str, template: str) -> None:
    """CREATE DATABASE as a copy of another one."""
    names = sql.Identifier(database), sql.Identifier(template)
    # By files: by the log, which is meant for servers that must not be held up, it takes six times as long.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(*names)
    with psycopg.connect(of_server(url, "postgres"), autocommit=True) as connection:
        connection.execute(statement)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers (make test): the long search through fault histories begins first, in niced processes that
    take what the others leave of the machine."""
    items.sort(key=lambda item: item.path.name != "test_fault_histories.py")


def drop_database(url: str, database: str) -> None:
    """DROP DATABASE, whoever is still connected. With ANHU_RECORD_DATABASES=FOLDER what is in it is kept there first
    (tests/recorded_database.py)."""
    if folder := os.environ.get("ANHU_RECORD_DATABASES"):
        recorded_database.record(of_server(url, database), Path(folder) / f"{database}-{time.time_ns()}.gz")
    statement = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database))
    with psycopg.connect(of_server(url, "postgres"), autocommit=True) as connection:
        for attempt in range(20):
            try:
                connection.execute(statement)
            except psycopg.errors.InsufficientPrivilege:  # autovacuum is in there for a moment, and is not ours to end
                if attempt == 19:
                    raise
                time.sleep(0.2)
            else:
                break


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder of the test's own, where the servers' user can reach it (pytest's own folders are closed to it)."""
    folder = Path(tempfile.mkdtemp(prefix="anhu-test-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def packages_dir() -> Path:
    """The private programs of this machine, which outlive the test run."""
    return default_data_dir(os.environ) / "runtime"


def _quick_folder() -> str:
    """Where the servers of the run keep their files: in memory where there is room for all workers' (each test's
    database is a thousand files), else on the disk."""
    memory = Path("/dev/shm")  # noqa: S108 - looked at, and then a folder of our own in it
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_BYTES_MIN
    return str(memory) if roomy and psutil.virtual_memory().available > MEMORY_BYTES_MIN else "/tmp"  # noqa: S108


@pytest.fixture(scope="session")
def services(packages_dir: Path) -> Iterator[runtime.Services]:
    """A database and a broker for the whole run."""
    folder = Path(tempfile.mkdtemp(prefix="anhu-test-", dir=_quick_folder()))
    with runtime.start(folder, durable=False, progress=print, packages_dir=packages_dir) as services:
        yield services
    shutil.rmtree(folder)
    shutil.rmtree(SPOOLS, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(services: runtime.Services) -> str:
    """The name of the prepared database that the tests' databases are copies of."""
    make_database(services.database_url, TEMPLATE, "anhu")
    prepare_template(of_server(services.database_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database_url(services: runtime.Services, template_database: str) -> Iterator[str]:
    """The address of a fresh, prepared database."""
    name = f"anhu_test_{next(_numbers)}"
    make_database(services.database_url, name, template_database)
    yield of_server(services.database_url, name)
    drop_database(services.database_url, name)


@pytest.fixture(scope="module")
def shared_database_url(services: runtime.Services, template_database: str) -> Iterator[str]:
    """A database for the tests of a module that ask and are refused, each of which costs less than its database."""
    name = f"anhu_test_shared_{next(_numbers)}"
    make_database(services.database_url, name, template_database)
    yield of_server(services.database_url, name)
    drop_database(services.database_url, name)


@pytest.fixture
def mqtt_url(services: runtime.Services) -> str:
    """The address of the broker, shared by the whole run: use topics and client ids of your own."""
    return services.mqtt_url
