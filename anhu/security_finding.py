"""What `anhu doctor --security` judges and answers with: the facts about how the service is run, and a finding for each
thing looked at. ✗ is what somebody can use today; ! is what makes it easier for them, or what could not be seen."""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from anhu.security_store import DatabaseFacts

NAMES_SHOWN: Final = 5


class Verdict(StrEnum):
    """How one thing stands."""

    GOOD = "good"
    DOUBT = "doubt"
    BAD = "bad"


MARKS: Final = {Verdict.GOOD: "[green]✓[/]", Verdict.DOUBT: "[yellow]![/]", Verdict.BAD: "[red]✗[/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `why` and `remedy` are "" where all is well."""

    name: str
    verdict: Verdict
    seen: str
    why: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class FileMode:
    """A file or folder that holds secrets."""

    path: str
    mode: int  # permission bits


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: `host` is "" for a Unix socket; `verified` where TLS is used and its certificate checked."""

    host: str
    verified: bool

    @property
    def local(self) -> bool:
        """Whether nothing goes over a network."""
        return is_local(self.host)


@dataclass(frozen=True, slots=True)
class Page:
    """How the page is served."""

    host: str
    https: bool
    trusted_proxies: tuple[str, ...]
    secure_cookie: str
    metrics_networks: tuple[str, ...]
    second_factor_roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen, as of `now`. None: it could not be seen, or there is no such thing."""

    now: datetime
    private_files: tuple[FileMode, ...]
    database_address: Address | None
    database: DatabaseFacts | None
    broker: Address | None
    shared_account_open: bool | None
    certificates: tuple[tuple[str, datetime | None], ...]  # a path and its last day; None: unreadable
    page: Page
    account_key_present: bool
    embedded: bool
    backup_at: datetime | None
    clock_synchronised: bool | None
    dead_man_set: bool
    package_lists_at: datetime | None
    restart_wanted: bool


def is_local(host: str) -> bool:
    """Whether an address is this machine's own.

    >>> [is_local(host) for host in ("", "localhost", "127.0.0.1", "::1", "/run/postgresql", "10.0.0.3", "db")]
    [True, True, True, True, True, False, False]
    """
    if not host or host == "localhost" or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


Say = Callable[[str, str], str]  # Chinese or English, whichever is wanted


def unseen(name: str, say: Say) -> Finding:
    """The finding about what nobody could look at."""
    return Finding(
        name, Verdict.DOUBT, say("看不到", "cannot be seen"), say("没有连上", "there is no connection"),
        say("先启动服务，再检查一次。", "Start the service and look again."),
    )  # fmt: skip


def some(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" … (+{more})" if more > 0 else "")
