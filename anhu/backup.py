"""A backup of the whole service: the database as one moment had it, and what else the data folder keeps.

A backup is a folder of its own with `manifest.json`, the database as `pg_basebackup` takes it from the running server
(`postgres/`, its write-ahead log included), everything else of the data folder (`folder/`: passwords, keys, the
broker's accounts, what was spooled), and `SHA256SUMS` over all of it. It appears under its name only when it is whole.
It holds every password and all personal data: only its owner may read it.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from anhu import __version__, postgres
from anhu.data_folder import DataFolder
from anhu.errors import BackupFailed, BackupUnsound
from anhu.language import text
from anhu.packages import Postgres

FORMAT: Final = 1
PREFIX: Final = "anhu-"
MANIFEST, SUMS, LAST = "manifest.json", "SHA256SUMS", "backup.json"
TIME_S_MAX: Final = 6 * 3600.0
_CHUNK: Final = 1 << 20
# What a new folder makes anew, or what belongs to what runs in the old one.
LEFT_OUT: Final = frozenset(
    {"postgres", "postgres.new", "postgres.password", "log", "runtime", "lock", "socket", "services.json", "demo", LAST}
)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `records`: how many rows each append-only table had when the backup began; what
    came while it was taken is in it, too. `ledger_no` and `ledger_hash`: the newest link of the chain then, 0 and ""
    where there was none."""

    format: int
    anhu: str
    made_at: str
    postgres_major: int
    timescaledb: str
    records: dict[str, int]
    ledger_no: int
    ledger_hash: str


def count_records(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[str, int]:
    """The rows of every table that is only ever added to, by its name."""
    names = connection.execute(
        "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        " WHERE tgname LIKE '%append\\_only' ORDER BY relname"
    ).fetchall()
    counted = {}
    for (name,) in names:
        row = connection.execute(SQL("SELECT count(*) FROM {}").format(Identifier(name))).fetchone()
        counted[str(name)] = int(row[0]) if row else 0
    return counted


def ledger_hash(connection: psycopg.Connection[tuple[Any, ...]], no: int | None = None) -> tuple[int, str]:
    """The number and hash of a link of the ledger, by default of the newest; (0, "") where there is none."""
    statement = "SELECT no, hash FROM ledger WHERE no = coalesce(%s, (SELECT max(no) FROM ledger))"
    row = connection.execute(statement, (no,)).fetchone()
    return (int(row[0]), bytes(row[1]).hex()) if row else (0, "")


def make(data_dir: Path, into: Path, database_url: str, programs: Postgres, now: datetime, say: Say) -> Path:
    """Back up the service whose database answers at `database_url`; the folder made in `into`. Raises BackupFailed."""
    name = f"{PREFIX}{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    whole, part = into / name, into / f"{name}.partial"
    if whole.exists():
        raise BackupFailed(text(f"{whole} 已存在", f"{whole} is there already"))
    try:
        into.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        say(text("正在备份数据库…", "backing up the database …"))
        manifest = _manifest(database_url, now)
        _base_backup(data_dir, part / "postgres", database_url, programs)
        say(text("正在备份密钥、账号和缓存…", "backing up keys, accounts and what is spooled …"))
        _copy_folder(data_dir, part / "folder")
        (part / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), "utf-8")
        (part / SUMS).write_text("".join(f"{digest}  {path}\n" for path, digest in _digests(part)), "utf-8")
        _keep_private(part)
        part.rename(whole)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{into}: {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    size = sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    told = {"made_at": manifest.made_at, "path": str(whole), "bytes": size}
    DataFolder(data_dir).write_private(data_dir / LAST, told)
    return whole


def _manifest(database_url: str, now: datetime) -> Manifest:
    try:
        with psycopg.connect(database_url) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
            no, digest = ledger_hash(connection)
            return Manifest(
                FORMAT, __version__, now.astimezone(UTC).isoformat(), connection.info.server_version // 10_000,
                str(row[0]) if row else "", count_records(connection), no, digest,
            )  # fmt: skip
    except psycopg.Error as error:
        raise BackupFailed(str(error)) from error


def _base_backup(data_dir: Path, into: Path, database_url: str, programs: Postgres) -> None:
    """The database's files, and the log to make them one moment of, as the server's own tool takes them."""
    known = DataFolder(data_dir).secrets
    server = urlsplit(database_url)
    command = [
        str(programs.programs / "pg_basebackup"), "--pgdata", str(into), "--format=tar", "--compress=client-gzip:1",
        "--wal-method=fetch", "--checkpoint=fast", "--no-password", "--host", unquote(server.hostname or ""),
        "--port", str(server.port or postgres.PORT), "--username", postgres.SUPERUSER,
    ]  # fmt: skip
    env = {"PATH": os.environ.get("PATH", os.defpath), "PGPASSWORD": known.postgres_superuser, "LC_ALL": "C"}
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=TIME_S_MAX, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackupFailed(f"pg_basebackup: {error}") from error
    if done.returncode != 0:
        raise BackupFailed(f"pg_basebackup: {done.stderr.strip() or done.stdout.strip()}")


def _copy_folder(data_dir: Path, into: Path) -> None:
    """All of the data folder that is not the database's, nor made anew at every start."""
    into.mkdir(mode=0o700)
    for entry in sorted(data_dir.iterdir()):
        if entry.name not in LEFT_OUT and not entry.name.startswith(PREFIX):
            _copy(entry, into / entry.name)


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink() or source.is_socket() or source.is_fifo():
        return
    if source.is_dir():
        target.mkdir(mode=0o700)
        for entry in sorted(source.iterdir()):
            _copy(entry, target / entry.name)
    elif source.suffix == ".sqlite":
        with closing(sqlite3.connect(source, timeout=30)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
    elif not source.name.endswith((".sqlite-wal", ".sqlite-shm", ".new")):  # the copy above has what they hold
        shutil.copyfile(source, target)


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != SUMS:
            yield path.relative_to(folder).as_posix(), digest_of(path)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _keep_private(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def check(backup: Path) -> Manifest:
    """What the backup says of itself, when every file is there as it was written. Raises BackupUnsound."""
    try:
        manifest: Any = json.loads((backup / MANIFEST).read_text("utf-8"))
        lines = (backup / SUMS).read_text("utf-8").splitlines()
        listed = {path: digest for digest, _, path in (line.partition("  ") for line in lines)}
        found = dict(_digests(backup))
    except (OSError, ValueError) as error:
        raise BackupUnsound(f"{backup}: {error}") from error
    wrong = sorted({path for path, _ in listed.items() ^ found.items()})
    if wrong:
        raise BackupUnsound(
            text(f"{backup} 已损坏：{'、'.join(wrong[:5])}", f"{backup} is damaged: {', '.join(wrong[:5])}")
        )
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BackupUnsound(
            text(f"{backup} 的格式本版本不认识", f"{backup} is of a form that this version does not know")
        )
    return Manifest(**manifest)


def thin_out(folder: Path, keep: int) -> list[Path]:
    """Remove the oldest backups in `folder` beyond `keep`; which were."""
    made = sorted(path for path in folder.glob(f"{PREFIX}*Z") if (path / MANIFEST).is_file())
    gone = made[: max(0, len(made) - keep)]
    for path in gone:
        shutil.rmtree(path)
    return gone
