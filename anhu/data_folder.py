"""The data folder: where the embedded services keep what must last, and who may read it."""

import fcntl
import json
import os
import pwd
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from anhu.errors import DataFolderInUse, DataFolderUnusable
from anhu.language import text

SYSTEM_DATA_DIR = Path("/var/lib/anhu")
NOBODY = 65534
SOCKET_PATH_BYTES_MAX = 107
SOCKET_NAME = ".s.PGSQL.5432.lock"
ENDING_TIME_S_MAX = 60.0
OWNER_DIES_S_MAX = 1.0  # a process that was just killed lives on for a moment
PASSWORD_BYTES = 24


def default_data_dir(env: Mapping[str, str]) -> Path:
    """ANHU_DATA_DIR; otherwise /var/lib/anhu as root, and the user's own data folder as anyone else."""
    if configured := env.get("ANHU_DATA_DIR"):
        return Path(configured).expanduser().resolve()
    if os.geteuid() == 0:
        return SYSTEM_DATA_DIR
    home = env.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser()
    return Path(home) / "anhu"


@dataclass(frozen=True)
class Secrets:
    """The passwords of the embedded services, drawn once per data folder."""

    postgres_superuser: str
    postgres: str
    mqtt: str
    mqtt_device: str
    mqtt_admin: str


class DataFolder:
    """A data folder, made when it is not there.

    As root the servers run as another user (the account `anhu` if there is one, otherwise nobody), because PostgreSQL
    refuses to run as root: what they own lies in `postgres` and `mosquitto`, all else is the caller's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.postgres = self.path / "postgres"
        self.log = self.path / "log"
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o755)
            self.log.mkdir(exist_ok=True, mode=0o750)
        except OSError as error:
            raise DataFolderUnusable(
                text(f"无法建立数据目录 {self.path}：{error}", f"Cannot make the data folder {self.path}: {error}")
            ) from error
        self.service_user_id = self._choose_service_user() if os.geteuid() == 0 else None
        if self.service_user_id is not None:
            self._let_services_pass()
        self.secrets = self._load_secrets()

    def _choose_service_user(self) -> int:
        if self.postgres.exists():
            return self.postgres.stat().st_uid or NOBODY
        try:
            return pwd.getpwnam("anhu").pw_uid
        except KeyError:
            return NOBODY

    def _let_services_pass(self) -> None:
        mode = stat.S_IMODE(self.path.stat().st_mode)
        if not mode & stat.S_IXOTH:
            self.path.chmod(mode | 0o011)
        for parent in self.path.parents:
            if not parent.stat().st_mode & stat.S_IXOTH:
                raise DataFolderUnusable(
                    text(
                        f"以 root 运行时数据库使用另一个用户，它进不了 {parent}。请把 ANHU_DATA_DIR 设到别处（默认 "
                        f"{SYSTEM_DATA_DIR}）。",
                        f"As root the database runs as another user, which cannot pass {parent}. Set ANHU_DATA_DIR to "
                        f"another place (the default is {SYSTEM_DATA_DIR}).",
                    )
                )

    def _load_secrets(self) -> Secrets:
        path = self.path / "secrets.json"
        if not path.exists():
            self.write_private(path, {})
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            drawn = {each.name: secrets.token_urlsafe(PASSWORD_BYTES) for each in fields(Secrets)} | known
            if drawn != known:  # all of them, or those that an older version did not know
                self.write_private(path, drawn)
            return Secrets(**drawn)
        except (OSError, ValueError, TypeError) as error:
            raise DataFolderUnusable(f"{path}: {error}") from error

    def write_private(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write JSON only the caller may read, whole or not at all."""
        draft = path.with_name(f"{path.name}.{os.getpid()}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor, not a path
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)

    def write_for_services(self, path: Path, content: str) -> None:
        """Write a file that only the servers' user may read."""
        draft = path.with_name(f"{path.name}.new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
        self._give(draft)
        draft.rename(path)

    def service_folder(self, name: str) -> Path:
        """A folder, 0700, of the servers' user."""
        folder = self.path / name
        folder.mkdir(exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self._give(folder)
        return folder

    def fresh_service_folder(self, name: str) -> Path:
        """The same, emptied of what an earlier attempt left."""
        shutil.rmtree(self.path / name, ignore_errors=True)
        return self.service_folder(name)

    def socket_folder(self) -> Path:
        """A 0700 folder of the servers' user whose path fits a Unix socket: in here, or a temporary one."""
        inside = self.path / "socket"
        if len(os.fsencode(inside / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
            return self.fresh_service_folder("socket")
        outside = Path(tempfile.mkdtemp(prefix="anhu-", dir="/tmp"))
        self._give(outside)
        return outside

    def _give(self, path: Path) -> None:
        if self.service_user_id is not None:
            os.chown(path, self.service_user_id, self.service_user_id)

    def as_services(self) -> dict[str, Any]:
        """The arguments that make `subprocess` run a program as the servers' user."""
        if self.service_user_id is None:
            return {}
        return {"user": self.service_user_id, "group": self.service_user_id, "extra_groups": []}

    def lock(self) -> int:
        """Take the data folder for this process (and whom the descriptor is passed on to); the descriptor.

        When its last owner has died and its services are still stopping, wait for them; DataFolderInUse otherwise.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        started_s = time.monotonic()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
                waited_s = time.monotonic() - started_s
                if waited_s > (OWNER_DIES_S_MAX if _is_alive(owner) else ENDING_TIME_S_MAX):
                    os.close(descriptor)
                    raise DataFolderInUse(self._in_use(owner)) from None
                time.sleep(0.1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return descriptor

    def _in_use(self, owner: str) -> str:
        return text(
            f"进程 {owner} 正在使用数据目录 {self.path}；请先停止它，或用 ANHU_DATA_DIR 指定另一个目录。",
            f"Process {owner} is using the data folder {self.path}; stop it first, or name another with ANHU_DATA_DIR.",
        )


def _is_alive(process_id: str) -> bool:
    if not process_id.isdigit() or not int(process_id):
        return False
    try:
        status = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"  # a zombie is dead, only not yet buried
