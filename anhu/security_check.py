"""How safely the service is run, judged purely from facts that somebody else has gathered (anhu/security_facts.py).

Each check answers with one finding: what was seen, why it matters, and what to do.
"""

from collections.abc import Callable, Sequence
from typing import Final

from anhu import security_upkeep as upkeep
from anhu import security_ways as ways
from anhu.language import Language
from anhu.security_finding import Facts, Finding, Say, Verdict

CHECKS: Final[tuple[Callable[[Facts, Say], Finding], ...]] = (
    ways.files,
    ways.database_tls,
    ways.superuser,
    ways.row_security,
    ways.broker,
    ways.shared_account,
    ways.certificates,
    ways.page,
    ways.networks,
    ways.cookie,
    upkeep.second_factor,
    upkeep.account_key,
    upkeep.one_time,
    upkeep.idle,
    upkeep.ledger,
    upkeep.backup,
    upkeep.clock,
    upkeep.dead_man,
    upkeep.updates,
)


def examine(facts: Facts, language: Language) -> list[Finding]:
    """Every check, in the order of the list."""

    def say(zh: str, en: str) -> str:
        return zh if language is Language.ZH else en

    return [check(facts, say) for check in CHECKS]


def is_safe(findings: Sequence[Finding]) -> bool:
    """Whether nothing is ✗."""
    return all(each.verdict is not Verdict.BAD for each in findings)
