"""The embedded PostgreSQL: its data folder, its settings, its one database.

It listens on a Unix socket in a folder only its user may enter, and asks for a password even there.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from anhu.data_folder import DataFolder
from anhu.debian import Progress
from anhu.errors import ServicesFailed
from anhu.keeper import Program
from anhu.language import text
from anhu.packages import Postgres
from ingest.reach import PAGE_ROLE

DATABASE = "anhu"
OWNER = "anhu"
SUPERUSER = "postgres"
PORT = 5432  # only names the socket file; there is no TCP listener
INITDB_TIME_S_MAX = 120.0
ANSWER_TIME_S_MAX = 60.0
RECOVERY_TIME_S_MAX = 900.0
ORPHAN_STOP_S_MAX = 30.0

SETTINGS = """\
# Written at every start; lasting changes belong in local.conf beside this file.
include = 'postgresql.conf'  # what initdb found out, such as the kind of shared memory that works here
listen_addresses = ''
unix_socket_directories = '{socket_folder}'
unix_socket_permissions = 0700
port = {port}
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
max_connections = 60
superuser_reserved_connections = 3
# a budget of 1 GiB for the whole service
shared_buffers = 128MB
effective_cache_size = 384MB
work_mem = 8MB
maintenance_work_mem = 64MB
max_wal_size = 4GB
min_wal_size = 80MB
wal_compression = lz4
# batches are committed before they are flushed: what a stalled disk holds up for a second has room here
wal_buffers = 16MB
checkpoint_timeout = 10min
autovacuum_max_workers = 2
max_worker_processes = 12
max_parallel_workers = 2
max_parallel_workers_per_gather = 1
timescaledb.max_background_workers = {timescaledb_workers}
max_locks_per_transaction = 256  # a query over a hypertable locks every chunk it touches
jit = off
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
log_min_duration_statement = 5s
log_line_prefix = '%m [%p] %u@%d '
# a client that vanished with its machine does not hold its locks for hours
idle_in_transaction_session_timeout = 10min
{durability}
include = 'local.conf'
"""
DURABLE = "synchronous_commit = on\nfsync = on\nfull_page_writes = on"
FAST = "synchronous_commit = off\nfsync = off\nfull_page_writes = off"


def url(socket_folder: Path, user: str, password: str, database: str = DATABASE) -> str:
    """The address of a database behind the socket, for psycopg."""
    host = quote(str(socket_folder), safe="")
    return f"postgresql://{user}:{quote(password, safe='')}@{host}:{PORT}/{database}"


def existing_major(folder: DataFolder) -> int | None:
    """The major version of PostgreSQL that made the data folder, None when there is none yet."""
    path = folder.postgres / "PG_VERSION"
    return int(path.read_text(encoding="ascii")) if path.exists() else None


def prepare(
    folder: DataFolder, postgres: Postgres, socket_folder: Path, progress: Progress, *, durable: bool
) -> Program:
    """Make the data folder if there is none, write the settings; the program for the guardian to keep."""
    if existing_major(folder) is None:
        progress(text("正在建立数据库…", "Creating the database cluster…"))
        _initdb(folder, postgres, durable=durable)
    else:
        _clear_stale_lock(folder)
    settings = SETTINGS.format(
        socket_folder=str(socket_folder).replace("'", "''"),
        port=PORT,
        # the Apache edition has no jobs, only errors about them
        timescaledb_workers=4 if durable and postgres.edition == "community" else 0,
        durability=DURABLE if durable else FAST,
    )
    folder.write_for_services(folder.postgres / "anhu.conf", settings)
    if not (folder.postgres / "local.conf").exists():
        folder.write_for_services(folder.postgres / "local.conf", "# Your own settings; read last.\n")
    return Program(
        name="postgres",
        argv=[
            str(postgres.programs / "postgres"),
            *("-D", str(folder.postgres)),
            f"--config-file={folder.postgres / 'anhu.conf'}",
        ],
        env=_environment(folder),
        user_id=folder.service_user_id,
        folder=folder.postgres,
        log_path=folder.log / "postgres.log",
        # fast shutdown, then immediate: what was committed is safe either way
        stop_steps=[(signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0)],
        death_signal=signal.SIGINT,
    )


def _environment(folder: DataFolder) -> dict[str, str]:
    """A clean environment: no PG* variable or locale of the caller's reaches the server."""
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "HOME": str(folder.postgres), "LC_ALL": "C", "TZ": "UTC"}


def _initdb(folder: DataFolder, postgres: Postgres, *, durable: bool) -> None:
    """Make the cluster beside its place and rename it there, so that a broken attempt leaves nothing half made."""
    attempt = folder.fresh_service_folder("postgres.new")
    password_file = attempt.with_name("postgres.password")
    folder.write_for_services(password_file, folder.secrets.postgres_superuser)
    command = [
        str(postgres.programs / "initdb"),
        *("-D", str(attempt), f"--username={SUPERUSER}", f"--pwfile={password_file}"),
        *("--auth=scram-sha-256", "--locale=C", "--encoding=UTF8", "--data-checksums"),
        # A new segment of the log is filled with zeros and synced by the commit that needs it, while all others wait,
        # and alarms with them: for 4 MB not as long as for 16.
        "--wal-segsize=4",
        *([] if durable else ["--no-sync"]),
    ]
    try:
        done = subprocess.run(
            command,
            env=_environment(folder) | {"HOME": str(attempt)},
            cwd=attempt,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INITDB_TIME_S_MAX,
            check=False,
            **folder.as_services(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ServicesFailed(f"initdb: {error}") from error
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        raise ServicesFailed(f"initdb: {done.stderr.strip() or done.stdout.strip()}")
    attempt.rename(folder.postgres)


def _clear_stale_lock(folder: DataFolder) -> None:
    """Deal with the postmaster.pid a crash left: end an orphan of this folder, remove the file of a dead one.

    We hold the data folder's lock, so nobody else can have started a server here meanwhile. PostgreSQL itself refuses
    to start when the number in the file has since been given to any other process of the same user.
    """
    path = folder.postgres / "postmaster.pid"
    if not path.exists():
        return
    first = path.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0].strip()
    process_id = int(first) if re.fullmatch(r"\d+", first) else 0
    command_line = Path(f"/proc/{process_id}/cmdline")
    ours = str(folder.postgres).encode()
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        deadline_s = time.monotonic() + ORPHAN_STOP_S_MAX / 3
        if not _mentions(command_line, ours):
            break
        os.kill(process_id, number)
        while _mentions(command_line, ours) and time.monotonic() < deadline_s:
            time.sleep(0.1)
    path.unlink(missing_ok=True)


def _mentions(command_line: Path, words: bytes) -> bool:
    try:
        return words in command_line.read_bytes()
    except OSError:  # no such process
        return False


def wait_until_ready(
    folder: DataFolder, socket_folder: Path, still_alive: Callable[[], None], time_s_max: float | None = None
) -> None:
    """Wait for the server to answer, longer while it recovers from a crash, unless `time_s_max` says how long.
    `still_alive` raises when it cannot. Raises ServicesFailed."""
    started_s = time.monotonic()
    address = url(socket_folder, SUPERUSER, folder.secrets.postgres_superuser, "postgres")
    while True:
        still_alive()
        try:
            with psycopg.connect(address, connect_timeout=5, autocommit=True):
                return
        except psycopg.OperationalError as error:
            recovering = "starting up" in str(error) or "not yet accepting" in str(error)
            waited_s = time.monotonic() - started_s
            if waited_s > (time_s_max or (RECOVERY_TIME_S_MAX if recovering else ANSWER_TIME_S_MAX)):
                raise ServicesFailed(f"postgres: {error}") from error
        time.sleep(0.05)


def create_database(folder: DataFolder, socket_folder: Path) -> None:
    """Make the role and the database if they are not there, and TimescaleDB in it as new as the server's library."""
    password = folder.secrets.postgres_superuser
    connect = partial(psycopg.connect, autocommit=True, connect_timeout=5)
    with connect(url(socket_folder, SUPERUSER, password, "postgres")) as connection:
        owner, database = sql.Identifier(OWNER), sql.Identifier(DATABASE)
        own_password = sql.Literal(folder.secrets.postgres)
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(owner))
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(owner, own_password))
        page = sql.Identifier(PAGE_ROLE)  # as whom the requests of signed-in people read and write
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (PAGE_ROLE,)).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(page))
        connection.execute(sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(page, owner))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
    with connect(url(socket_folder, SUPERUSER, password)) as connection:
        # a first statement of its own in a fresh session: the library of the old version may be gone already
        present = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    with connect(url(socket_folder, SUPERUSER, password)) as connection:
        connection.execute("ALTER EXTENSION timescaledb UPDATE" if present else "CREATE EXTENSION timescaledb")
