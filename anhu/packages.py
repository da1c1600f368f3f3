"""The programs the embedded services need: PostgreSQL with TimescaleDB, and mosquitto.

Those installed on this machine are taken first. Otherwise Debian 13's packages are unpacked into a private folder and
run through that folder's own dynamic loader: no root, no compiler, nothing installed on the host.
"""

import fcntl
import hashlib
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anhu import debian
from anhu.debian import Progress
from anhu.errors import ProgramsUnsuitable, SystemUnsupported, UnpackFailed
from anhu.language import text

POSTGRES_MAJOR_MIN = 15
VERSION_TIME_S_MAX = 20.0
PRIVATE_SUITE = "trixie"
PRIVATE_POSTGRES_MAJOR = 17
ACCESS_PLUGIN = "mosquitto_dynamic_security.so"
LAYOUT = 1  # raise it when the unpacking below changes: the folder is named by it and by the list
PACKAGE_NAMES = """
    libc6 libgcc-s1 libstdc++6 libicu76 libldap2 libsasl2-2 libssl3t64 libpam0g libaudit1 libcap-ng0 libselinux1
    libpcre2-8-0 libsystemd0 libcap2 libxml2 liblzma5 liblz4-1 libzstd1 zlib1g libxxhash0 libgssapi-krb5-2 libkrb5-3
    libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1 libpq5 libreadline8t64 libtinfo6 libgcrypt20 libgpg-error0
    libnuma1 tzdata postgresql-17 postgresql-client-17 postgresql-17-timescaledb
    mosquitto mosquitto-clients libcjson1 libmosquitto1 libdlt2 libwebsockets19t64 libwrap0 libnsl2 libtirpc3t64
    libev4t64 libuv1t64
"""
PACKAGES = tuple(PACKAGE_NAMES.split())
LEFT_OUT = (
    *(f"./usr/share/{name}*" for name in ("bash-completion", "doc", "lintian", "locale", "man", "zsh")),
    *("*/bitcode*", "*/gconv/*", "*/llvmjit*", "*/locale/*", "./etc/*", "./lib/systemd*", "./usr/lib/systemd*"),
)
LOADERS = {
    "x86_64": ("amd64", "usr/lib64/ld-linux-x86-64.so.2"),
    "aarch64": ("arm64", "usr/lib/ld-linux-aarch64.so.1"),
}
WRAPPER = '#!/bin/sh\nexec {loader} --argv0 "$0" --library-path {libraries} {program} "$@"\n'


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL with TimescaleDB beside it; `programs` holds `postgres` and `initdb`."""

    programs: Path
    libraries: Path
    version: str
    private: bool

    @property
    def major(self) -> int:
        """The number that must not change under a data folder."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    @property
    def edition(self) -> str:
        """`community` when the TSL module lies beside TimescaleDB, otherwise `apache`."""
        return "community" if any(self.libraries.glob("timescaledb-tsl-*.so")) else "apache"

    @property
    def timescaledb_version(self) -> str:
        """The newest TimescaleDB there is for this PostgreSQL."""
        names = [path.stem.removeprefix("timescaledb-") for path in self.libraries.glob("timescaledb-[0-9]*.so")]
        return max(names, key=lambda name: [int(part) for part in re.findall(r"\d+", name)], default="")


@dataclass(frozen=True)
class Mosquitto:
    """An MQTT broker."""

    program: Path
    version: str
    private: bool

    @property
    def access_plugin(self) -> Path | None:
        """The plugin that keeps accounts and rights, None for a broker built without it."""
        root = self.program.parent.parent  # of /usr/sbin, /usr/local/sbin or the private folder's usr/sbin
        folders = (root / "lib", root / "lib64", *sorted((root / "lib").glob("*-linux-*")))
        return next((path for folder in folders if (path := folder / ACCESS_PLUGIN).exists()), None)


@dataclass(frozen=True)
class Programs:
    """All the embedded services need."""

    postgres: Postgres
    mosquitto: Mosquitto


def find(packages_dir: Path, *, progress: Progress, postgres_major: int | None = None) -> Programs:
    """The programs to run, the private ones unpacked into `packages_dir` when this machine lacks its own.

    `postgres_major` is what an existing data folder was made by. Raises a kind of RuntimeUnavailable.
    """
    postgres, mosquitto = system_postgres(postgres_major), system_mosquitto()
    if postgres is None and postgres_major not in {None, PRIVATE_POSTGRES_MAJOR}:
        raise ProgramsUnsuitable(
            text(
                f"数据目录由 PostgreSQL {postgres_major} 建立，但这台机器没有带 TimescaleDB 的同版本。",
                f"The data folder was made by PostgreSQL {postgres_major}, and this machine has no PostgreSQL "
                f"{postgres_major} with TimescaleDB.",
            )
        )
    if postgres is None or mosquitto is None:
        private = private_programs(packages_dir) or unpack(packages_dir, progress)
        postgres, mosquitto = postgres or private.postgres, mosquitto or private.mosquitto
    return Programs(postgres, mosquitto)


def system_postgres(major: int | None = None) -> Postgres | None:
    """The newest installed PostgreSQL that has TimescaleDB, of the given major version if one is given."""
    found = [postgres for postgres in _installed_postgres() if postgres.major == (major or postgres.major)]
    return max(found, key=lambda postgres: postgres.major, default=None)


def _installed_postgres() -> Iterator[Postgres]:
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    if (postgres_on_path := shutil.which("postgres")) is not None:
        folders.append(Path(postgres_on_path).resolve().parent)
    for folder in folders:
        libraries = folder.parent / "lib"
        if (folder / "initdb").exists() and (libraries / "timescaledb.so").exists():
            version = _version([str(folder / "postgres"), "--version"])
            postgres = Postgres(folder, libraries, version, private=False) if version else None
            if postgres is not None and postgres.major >= POSTGRES_MAJOR_MIN:
                yield postgres


def system_mosquitto() -> Mosquitto | None:
    """The installed mosquitto."""
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    return Mosquitto(Path(path), _version([path, "-h"]), private=False) if path else None


def _version(command: list[str]) -> str:
    """The first dotted number a program prints about itself, "" when it does not run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=VERSION_TIME_S_MAX, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return match.group() if match else ""


def private_folder(packages_dir: Path) -> Path:
    """Where the private programs of this version of Anhu lie, there or not."""
    key = f"{LAYOUT} {PRIVATE_SUITE} {platform.machine()} {' '.join(sorted(PACKAGES))} {packages_dir.resolve()}"
    return packages_dir.resolve() / hashlib.sha256(key.encode()).hexdigest()[:16]


def private_programs(packages_dir: Path) -> Programs | None:
    """The private programs if they have been unpacked."""
    root = private_folder(packages_dir)
    installation = root / "usr/lib/postgresql" / str(PRIVATE_POSTGRES_MAJOR)
    broker = root / "usr/sbin/mosquitto"
    if not broker.exists():
        return None
    version = _version([str(installation / "bin/postgres"), "--version"])
    if not version:
        raise UnpackFailed(
            text(
                f"{root} 里的 PostgreSQL 无法运行，请删除该目录后重试。",
                f"PostgreSQL in {root} does not run; delete it and retry.",
            )
        )
    return Programs(
        Postgres(installation / "bin", installation / "lib", version, private=True),
        Mosquitto(broker, _version([str(broker), "-h"]), private=True),
    )


def check_loader() -> None:
    """SystemUnsupported when Debian's programs cannot run on this kind of machine."""
    if platform.machine() not in LOADERS or platform.libc_ver()[0] != "glibc":
        system = f"{platform.system()} {platform.machine()}"
        raise SystemUnsupported(
            text(f"没有适用于 {system} 的内置程序。", f"There are no private programs for {system}.")
        )


def unpack(packages_dir: Path, progress: Progress) -> Programs:
    """Download and unpack Debian 13's packages; two processes never do so at once, and the result appears whole."""
    check_loader()
    packages_dir.mkdir(parents=True, exist_ok=True)
    packages_dir.chmod(0o755)  # the services run as another user than root
    with _alone(packages_dir, progress):
        ready = private_programs(packages_dir)
        if ready is None:
            with tempfile.TemporaryDirectory(dir=packages_dir, prefix="unpacking-") as workspace:
                _build(Path(workspace), private_folder(packages_dir), progress)
            ready = private_programs(packages_dir)
    if ready is None:
        raise UnpackFailed
    return ready


@contextmanager
def _alone(packages_dir: Path, progress: Progress) -> Iterator[None]:
    with (packages_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(text("另一个进程正在准备程序，等待中…", "Another process is preparing the programs; waiting…"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(workspace: Path, destination: Path, progress: Progress) -> None:
    progress(
        text(
            "这台机器没有 PostgreSQL + TimescaleDB 或 mosquitto，正从 Debian 13 软件包准备（仅一次，不安装到系统）…",
            "PostgreSQL + TimescaleDB or mosquitto is missing here; preparing them from Debian 13 packages (once, "
            "nothing is installed on the system)…",
        )
    )
    apt = debian.PrivateApt(workspace / "apt", PRIVATE_SUITE)
    progress(text("  正在读取软件包列表…", "  reading the package lists…"))
    apt.update()
    progress(text(f"  正在下载 {len(PACKAGES)} 个软件包…", f"  downloading {len(PACKAGES)} packages…"))
    debs = apt.download(PACKAGES, progress)
    progress(text("  正在解包…", "  unpacking…"))
    root = workspace / "root"
    for deb in debs:
        debian.unpack(deb, root, LEFT_OUT)
    loader = LOADERS[platform.machine()][1]
    _wrap(_programs_in(root), root, destination, loader)
    root.chmod(0o755)
    root.rename(destination)
    progress(text("  程序已就绪。", "  the programs are ready."))


def _programs_in(root: Path) -> Iterable[Path]:
    yield from sorted((root / f"usr/lib/postgresql/{PRIVATE_POSTGRES_MAJOR}/bin").iterdir())
    yield root / "usr/sbin/mosquitto"
    yield from sorted((root / "usr/bin").glob("mosquitto_*"))  # its clients, to look at a broker by hand


def _wrap(programs: Iterable[Path], root: Path, destination: Path, loader: str) -> None:
    """Replace each program by a script that starts it through the private loader.

    A script and not a bare call of the loader, because initdb starts `postgres` by its name. The paths are those of
    `destination`, where `root` is about to be renamed to.
    """
    libraries = destination / "usr/lib" / f"{platform.machine()}-linux-gnu"
    for path in programs:
        if path.is_symlink() or path.read_bytes()[:4] != b"\x7fELF":
            continue
        real = path.with_name(f"{path.name}.real")
        path.rename(real)
        quoted = {
            "loader": shlex.quote(str(destination / loader)),
            "libraries": shlex.quote(str(libraries)),
            "program": shlex.quote(str(destination / real.relative_to(root))),
        }
        path.write_text(WRAPPER.format(**quoted), encoding="utf-8")
        path.chmod(0o755)
