"""The page about a first real sensor (docs/en/first-sensor.md), done as a reader does it: its files in a folder, its
commands one after the other in one shell."""

import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Final

import httpx

from anhu import packages
from tests.acceptance.service import Service
from tests.doc_pages import ROOT, blocks
from tests.waiting import wait_until

PAGE: Final = ROOT / "docs" / "en" / "first-sensor.md"
COMMANDS: Final = [each for each in blocks(PAGE) if each.language == "sh"]


def write_files(folder: Path) -> None:
    """The page's files."""
    for block in blocks(PAGE):
        if block.path:
            (folder / block.path).write_text(block.text, "utf-8")


class Shell:
    """One shell, as in a reader's terminal: what one block sets, the next one has."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            ["sh", "-e"], cwd=folder, env=env, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, block: str) -> str:
        """What the block prints; it must succeed."""
        mark = uuid.uuid4().hex
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{block}\necho {mark}\n")
        self._process.stdin.flush()
        printed = []
        for line in self._process.stdout:
            if line.strip() == mark:
                return "".join(printed)
            printed.append(line)
        raise AssertionError(f"the shell ended:\n{block}\n{''.join(printed)}")

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def command_env(service: Service, folder: Path, packages_dir: Path) -> dict[str, str]:
    """With `anhu` and mosquitto_pub on the path, and none of the page's own settings."""
    script = folder / "bin" / "anhu"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m anhu "$@"\n')
    script.chmod(0o755)
    private = packages.private_folder(packages_dir) / "usr/bin"
    found = shutil.which("mosquitto_pub") or shutil.which("mosquitto_pub", path=private)
    assert found, "mosquitto_pub is missing: apt install mosquitto-clients"
    path = f"{script.parent}:{Path(found).parent}:{service.env['PATH']}"
    return service.env | {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}


def fires(client: httpx.Client) -> dict[str, bool]:
    """Device → whether it still burns, of the fire alerts that are open."""
    items = client.get("/api/alerts", params={"state": "open", "kind": "fire"}).json()["items"]
    return {each["device"]["code"]: each["active"] for each in items if each["device"]}


def read_so_far(client: httpx.Client) -> set[str]:
    """The devices of which there is a reading."""
    items = client.get("/api/devices").json()["items"]
    return {each["device"]["code"] for each in items if each["device"]["last_seen_at"]}


def follow(shell: Shell, client: httpx.Client) -> None:
    """The page's commands in their order, but the start of the service, and what they lead to."""
    commands = [each for each in COMMANDS if each.words != "service"]
    said = {}
    for number, block in enumerate(commands):
        if block.words == "repeat":  # as the page says: until there is a reading
            wait_until(lambda text=block.text: read_after(shell, text, client), "it is read", every_s=0.5)
            continue
        said[number] = shell.run(block.text)
        assert "Traceback" not in said[number], said[number]
        if block.words == "fire":
            wait_until(lambda: fires(client) == {"smoke-1": True}, "the kitchen is on fire")
        if block.words == "corridor":
            wait_until(lambda: "corridor-smoke" in fires(client), "the corridor is on fire")
    assert "smoke_alarm" in said[0]  # the message that was tried and not sent
    # The signals are off again by now; a fire alarm stays until somebody resets it.
    assert fires(client).keys() == {"smoke-1", "corridor-smoke"}


def read_after(shell: Shell, text: str, client: httpx.Client) -> bool:
    """Whether there is a reading of the kitchen's device once the commands have run."""
    shell.run(text)
    return "smoke-1" in read_so_far(client)
