"""A service brought back from a backup, into a data folder of its own, and compared with what the backup says."""

import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

import psycopg

from anhu import runtime
from anhu.backup import Manifest, Say, check, count_records, ledger_hash
from anhu.data_folder import DataFolder
from anhu.errors import BackupUnsound, DataFolderUnusable
from anhu.language import text

# What may be in a folder that nothing has run in: the programs, and what making the folder leaves.
HARMLESS: Final = frozenset({"runtime", "log", "lock"})


def restore(backup: Path, data_dir: Path, packages_dir: Path | None, say: Say, *, durable: bool = True) -> Manifest:
    """Bring `backup` back into `data_dir`, start the servers on it once, and compare.

    Raises BackupUnsound when the backup is damaged or what came back is not what it says, DataFolderUnusable when
    something is in the folder already, ServicesFailed when the database does not start.
    """
    say(text("正在校验备份…", "checking the backup …"))
    manifest = check(backup)
    if data_dir.exists() and (there := sorted({each.name for each in data_dir.iterdir()} - HARMLESS)):
        raise DataFolderUnusable(
            text(
                f"{data_dir} 里已有数据（{'、'.join(there[:3])}），请用 --data-dir 另选一个空目录。",
                f"{data_dir} holds data already ({', '.join(there[:3])}); name an empty folder with --data-dir.",
            )
        )
    say(text("正在恢复文件…", "bringing the files back …"))
    try:
        _bring_back(backup, data_dir)
    except (OSError, tarfile.TarError) as error:
        raise BackupUnsound(f"{backup}: {error}") from error
    with runtime.start(data_dir, durable=durable, progress=say, packages_dir=packages_dir) as services:
        say(text("正在核对…", "comparing …"))
        with psycopg.connect(services.database_url) as connection:
            _compare(connection, manifest)
    return manifest


def _compare(connection: psycopg.Connection[tuple[Any, ...]], manifest: Manifest) -> None:
    found = count_records(connection)
    fewer = [name for name, rows in manifest.records.items() if found.get(name, -1) < rows]
    if fewer:
        names = text("、", ", ").join(fewer)
        raise BackupUnsound(text(f"恢复后这些记录不全：{names}", f"these records did not come back whole: {names}"))
    if manifest.ledger_no and ledger_hash(connection, manifest.ledger_no)[1] != manifest.ledger_hash:
        raise BackupUnsound(text("恢复后的账本与备份时不同", "the ledger that came back is another one"))


def _bring_back(backup: Path, data_dir: Path) -> None:
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
    shutil.copytree(backup / "folder", data_dir, dirs_exist_ok=True)
    (data_dir / "secrets.json").chmod(0o600)
    data_dir.chmod(0o755)  # the copy had only its owner in mind
    folder = DataFolder(data_dir)
    files = folder.fresh_service_folder("postgres")
    with tarfile.open(backup / "postgres" / "base.tar.gz") as archive:
        # Python has had this filter since 3.11.4; Debian 12's is older.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(files, _harmless(archive))  # noqa: S202 - each member is looked at
    for name in ("postgres", "mosquitto"):
        _give(folder, data_dir / name)


def _harmless(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Its files and folders; raises TarError for anything else, and for what would lie outside."""
    for member in archive:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"{member.name} does not belong there")
        yield member


def _give(folder: DataFolder, path: Path) -> None:
    """A folder of the servers' user, with all that is in it."""
    if not path.exists():
        return
    for each in [path, *path.rglob("*")]:
        each.chmod(0o700 if each.is_dir() else 0o600)
        if folder.service_user_id is not None:
            os.chown(each, folder.service_user_id, folder.service_user_id)
