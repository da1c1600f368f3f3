"""CPU time and memory of the service's processes, each with its children."""

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one named part of the service: CPU seconds in `seconds`, memory in MiB (PSS shares out what is shared)."""

    cpu_s: float
    seconds: float
    rss_mib: float
    pss_mib: float

    @property
    def cpu_percent(self) -> float:
        """Of one core."""
        return 100 * self.cpu_s / self.seconds


class Meter:
    """Measures from its making to `read`. `roots`: name → process id; a child belongs to the nearest named ancestor."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = dict(roots)
        self._began_s = time.monotonic()
        self._began_cpu_s = {name: _cpu_s(self._members(name)) for name in roots}

    def read(self) -> dict[str, Usage]:
        """By name, so far."""
        elapsed_s = time.monotonic() - self._began_s
        found = {}
        for name in self._roots:
            members = self._members(name)
            rss, pss = _memory_bytes(members)
            found[name] = Usage(_cpu_s(members) - self._began_cpu_s[name], elapsed_s, rss / MIB, pss / MIB)
        return found

    def _members(self, name: str) -> list[psutil.Process]:
        others = {number for other, number in self._roots.items() if other != name}
        return list(_tree(psutil.Process(self._roots[name]), others))


class Neighbours:
    """Watches what else the machine does, from its making on."""

    def __init__(self) -> None:
        self._own = Meter({"own": os.getpid()})
        self._before = psutil.cpu_times()

    def read(self) -> tuple[float, float]:
        """(what others took, what nobody took), in % of one core, so far."""
        own, now = self._own.read()["own"], psutil.cpu_times()
        idle_s = now.idle + now.iowait - self._before.idle - self._before.iowait
        others_s = max(0.0, (os.cpu_count() or 1) * own.seconds - idle_s - own.cpu_s)
        return 100 * others_s / own.seconds, 100 * idle_s / own.seconds


def _tree(process: psutil.Process, others: set[int]) -> Iterable[psutil.Process]:
    yield process
    with suppress(psutil.NoSuchProcess):  # a server's workers come and go
        for child in process.children():
            if child.pid not in others:
                yield from _tree(child, others)


def _cpu_s(processes: Iterable[psutil.Process]) -> float:
    """Of the processes, and of their children that have ended."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _memory_bytes(processes: Iterable[psutil.Process]) -> tuple[int, int]:
    """RSS and PSS of the processes together."""
    rss = pss = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            memory = process.memory_full_info()
            rss, pss = rss + memory.rss, pss + memory.pss
    return rss, pss
