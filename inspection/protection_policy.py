"""When an institution conforms to the nine protections, and how many of a county should: data, in one version
(inspection/policies/protections.toml), put in force by a named person."""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from alerting.checked_table import CheckedTable
from ingest import toml_text
from inspection.errors import ProtectionPolicyInvalid

VALID_DAYS_MAX = 1826  # five years


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy in one version. `valid_days`: for how long an answer holds; `own_checks_count`: whether an
    institution's own checks may show that it conforms."""

    version: str
    sha256: str
    target_percent: int
    valid_days: int
    own_checks_count: bool


@lru_cache(maxsize=8)
def parse(text: str) -> Policy:
    """The policy in `text` (TOML). Raises ProtectionPolicyInvalid with every error found."""
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProtectionPolicyInvalid([str(error)]) from error
    problems: list[str] = []
    table = CheckedTable("the policy", document, problems)
    made = Policy(
        version=table.text("version"),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        target_percent=_whole(table, "target_percent", 100),
        valid_days=_whole(table, "valid_days", VALID_DAYS_MAX),
        own_checks_count=table.flag("own_checks_count", default=True),
    )
    table.end()
    if problems:
        raise ProtectionPolicyInvalid(problems)
    return made


def default_text() -> str:
    """The policy that ships with Anhu."""
    return resources.files("inspection").joinpath("policies/protections.toml").read_text("utf-8")


def default_policy() -> Policy:
    """The policy that ships with Anhu, read."""
    return parse(default_text())


def _whole(table: CheckedTable, name: str, most: int) -> int:
    found = table.number(name, 1, most)
    if found != int(found):
        table.problem(f"{name} = {found} must be a whole number")
    return int(found)
