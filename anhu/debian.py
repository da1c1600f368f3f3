"""Debian packages in a private folder, fetched with the machine's own apt: nothing is installed, root is not needed.

Only the standard library: `deploy/setup.sh` runs `python3 -m anhu.debian` before anything is installed.
"""

import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anhu.errors import DownloadFailed, RuntimeUnavailable, SystemUnsupported, UnpackFailed
from anhu.language import text

COMMAND_TIME_S_MAX = 300.0
DOWNLOAD_TIME_S_MAX = 1800.0
PROGRESS_INTERVAL_S = 2.0
ERROR_LINES_MAX = 6
KEYRINGS = tuple(
    Path("/usr/share/keyrings") / name for name in ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp")
)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """One package index the machine's apt is configured for."""

    mirror: str
    suite: str


def targets_of_lists(output: str) -> list[Target]:
    """The targets in the output of `apt-get indextargets`, which knows only lists that were fetched once.

    >>> targets_of_lists("http://mirror.lan/debian/ bookworm")
    [Target(mirror='http://mirror.lan/debian/', suite='bookworm')]
    """
    return [Target(*line.split()[:2]) for line in output.splitlines() if len(line.split()) >= 2]


def targets_of_uris(output: str) -> list[Target]:
    """The targets in the output of `apt-get update --print-uris`, which knows the sources alone.

    >>> targets_of_uris("'http://mirror.lan/debian/dists/bookworm/InRelease' mirror.lan_InRelease 0")
    [Target(mirror='http://mirror.lan/debian/', suite='bookworm')]
    """
    return [Target(*found) for found in re.findall(r"^'(\S+/)dists/(\S+)/InRelease'", output, flags=re.MULTILINE)]


def choose_mirror(targets: Sequence[Target], codename: str) -> str | None:
    """The address of Debian's main archive among the machine's own sources, so that a local mirror is kept.

    Security and updates archives are left out: they do not carry the whole distribution.
    """
    main = [
        target for target in targets if not any(word in target.suite for word in ("security", "updates", "backports"))
    ]
    own = [target for target in main if target.suite in {codename, "stable", "oldstable", "testing", "unstable", "sid"}]
    named = [target for target in main if target.mirror.rstrip("/").endswith("/debian")]
    for target in [*(t for t in own if t in named), *own, *named]:
        return target.mirror
    return None


def check_system() -> str:
    """The code name of this machine's Debian release, such as `bookworm`; SystemUnsupported when it is not Debian."""
    for program in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(program) is None:
            raise SystemUnsupported(
                text(f"这台机器没有 {program}，需要 Debian。", f"This machine has no {program}; Debian is needed.")
            )
    try:
        release = platform.freedesktop_os_release()
    except OSError as error:
        raise SystemUnsupported(_not_debian(platform.system())) from error
    if release.get("ID") != "debian" or not release.get("VERSION_CODENAME"):
        raise SystemUnsupported(_not_debian(release.get("PRETTY_NAME", "")))
    return release["VERSION_CODENAME"]


def _not_debian(found: str) -> str:
    return text(
        f"这台机器不是 Debian（{found}），无法从 Debian 软件包取得所需程序。",
        f"This machine is not Debian ({found}), so the programs cannot be taken from Debian's packages.",
    )


class PrivateApt:
    """The machine's apt with lists, cache and state of its own, for one suite of Debian."""

    def __init__(self, folder: Path, suite: str | None = None) -> None:
        """Use `folder` for the lists; `suite` is a Debian code name, by default this machine's own."""
        own = check_system()
        self.folder = folder.resolve()
        for name in ("lists/partial", "cache/archives/partial", "debs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        mirror = choose_mirror(self._targets(), own)
        if mirror is None:
            raise SystemUnsupported(
                text("apt 的软件源里没有 Debian 主镜像。", "apt's sources name no mirror of Debian's main archive.")
            )
        keyring = next((path for path in KEYRINGS if path.exists()), None)
        signed_by = f"[signed-by={keyring}] " if keyring else ""
        (self.folder / "sources.list").write_text(f"deb {signed_by}{mirror} {suite or own} main\n", encoding="utf-8")

    def _targets(self) -> list[Target]:
        """What the machine's apt is configured for, whether or not it has ever fetched its lists."""
        fetched = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)"], DownloadFailed)
        to_fetch = _run(["apt-get", "update", "--print-uris"], DownloadFailed)
        return [*targets_of_lists(fetched), *targets_of_uris(to_fetch)]

    def _apt(self, *arguments: str) -> list[str]:
        state = self.folder
        options = {
            "Dir::Etc::sourcelist": state / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": state,
            "Dir::State::Lists": state / "lists",
            "Dir::State::status": state / "status",
            "Dir::Cache": state / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "30",
            "Acquire::https::Timeout": "30",
        }
        return ["apt-get", *(f"-o{key}={value}" for key, value in options.items()), "-qq", *arguments]

    def update(self) -> None:
        """Fetch the package lists of the suite."""
        try:
            _run(self._apt("update"), DownloadFailed)
        except DownloadFailed:
            # a hook of the host's own configuration may fail for a normal user after the lists have arrived
            if not any((self.folder / "lists").glob("*_Packages*")):
                raise

    def download(self, packages: Sequence[str], progress: Progress) -> list[Path]:
        """Download the newest of each package into the folder's `debs`; the paths, in the order of their names."""
        debs = self.folder / "debs"
        uris = _run(self._apt("download", "--print-uris", *packages), DownloadFailed).splitlines()
        bytes_total = sum(int(line.split()[2]) for line in uris if len(line.split()) >= 3)
        errors = self.folder / "download-errors"
        with errors.open("w+b") as stderr:
            process = subprocess.Popen(
                self._apt("download", *packages), cwd=debs, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr
            )
            try:
                _watch(process, debs, bytes_total, progress)
            finally:
                process.kill()
                process.wait()
        if process.returncode != 0:
            raise DownloadFailed(_failure("apt-get download", errors.read_text(encoding="utf-8", errors="replace")))
        return sorted(debs.glob("*.deb"))


def _watch(process: subprocess.Popen[bytes], folder: Path, bytes_total: int, progress: Progress) -> None:
    """Report what has arrived in `folder` until `process` ends; DownloadFailed when that takes too long."""
    started = time.monotonic()
    while True:
        try:
            process.wait(PROGRESS_INTERVAL_S)
        except subprocess.TimeoutExpired:
            arrived = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
            amount = f"{arrived / 1e6:.0f} / {bytes_total / 1e6:.0f} MB"
            progress(text(f"  已下载 {amount}", f"  downloaded {amount}"))
        else:
            return
        if time.monotonic() - started > DOWNLOAD_TIME_S_MAX:
            limit = f"{DOWNLOAD_TIME_S_MAX:.0f} s"
            raise DownloadFailed(text(f"下载超过 {limit} 未完成。", f"The download took longer than {limit}."))


def unpack(deb: Path, root: Path, exclude: Sequence[str] = ()) -> None:
    """Unpack one package's files under `root`, leaving out the patterns of `exclude` (as tar reads them)."""
    root.mkdir(parents=True, exist_ok=True)
    tar = ["tar", "-x", "-C", str(root), "--no-same-owner", *(f"--exclude={pattern}" for pattern in exclude)]
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as source:
        try:
            done = subprocess.run(
                tar, stdin=source.stdout, capture_output=True, text=True, timeout=COMMAND_TIME_S_MAX, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            source.kill()
            raise UnpackFailed(_failure(f"tar {deb.name}", str(error))) from error
    if done.returncode != 0 or source.returncode != 0:
        raise UnpackFailed(_failure(f"dpkg-deb {deb.name}", done.stderr))


def _run(command: list[str], failure: type[RuntimeUnavailable]) -> str:
    """What a short command prints; `failure` with its last words when it fails or takes too long."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_TIME_S_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise failure(_failure(command[0], str(error))) from error
    if done.returncode != 0:
        raise failure(_failure(command[0], done.stderr or done.stdout))
    return done.stdout


def _failure(what: str, output: str) -> str:
    lines = [line for line in output.strip().splitlines() if line.strip()][-ERROR_LINES_MAX:]
    head = text(f"{what} 失败（网络或镜像不可用？）", f"{what} failed (no network, or the mirror is away?)")
    return "\n  ".join([head, *lines])


def main() -> None:
    """`python3 -m anhu.debian FOLDER PACKAGE…`: unpack packages of this machine's own release into FOLDER."""
    folder, packages = Path(sys.argv[1]), sys.argv[2:]
    apt = PrivateApt(folder / "apt")
    apt.update()
    for deb in apt.download(packages, lambda line: print(line, flush=True)):  # noqa: T201 - the bootstrap has no console yet
        unpack(deb, folder / "root")


if __name__ == "__main__":
    try:
        main()
    except RuntimeUnavailable as error:
        sys.exit(error.args[0])
