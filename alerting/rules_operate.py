"""Putting rules in force, as an act of a named person; and which were in force before."""

from datetime import datetime
from typing import Final, NamedTuple

from alerting import store
from alerting.errors import RulesUnknown, StaleVersion
from alerting.ledger_store import record_act
from alerting.rules import RuleSet, parse
from alerting.rules_difference import difference
from ingest.database import Connection

REASON_LENGTH_MAX: Final = 500


class Version(NamedTuple):
    """A rule set that is or was in force. `reason` is what was said when it was put in force, "" where nothing was."""

    id: int
    version: str
    sha256: str
    loaded_at: datetime
    loaded_by: str
    reason: str


def put_in_force(
    connection: Connection, rules: RuleSet, body: str, *, by: str, actor: str, reason: str, standing_sha256: str = ""
) -> bool:
    """Put `rules` (the text `body`) in force, in the caller's transaction, and note who did and why; False where they
    are in force already. Raises StaleVersion where those in force are no longer the ones with `standing_sha256`, if
    that is given."""
    found = store.load_rules(connection, lock=True)
    if standing_sha256 and found is not None and found[1] != standing_sha256:
        raise StaleVersion("other rules have been put in force meanwhile")
    if not store.save_rules(connection, version=rules.version, sha256=rules.sha256, body=body, loaded_by=by):
        return False
    told = difference(parse(found[0]), rules) if found else None
    record_act(
        connection,
        actor=actor,
        verb="load_rules",
        subject=f"rules:{rules.sha256[:16]}",
        institution_id=None,
        body={
            "version": rules.version,
            "sha256": rules.sha256,
            "before_sha256": found[1] if found else None,
            "reason": reason,
            "added": list(told.added) if told else [],
            "removed": list(told.removed) if told else [],
            "changed": list(told.changed) if told else [],
        },
    )
    return True


def versions(connection: Connection, before_id: int | None, count_max: int) -> list[Version]:
    """The newest first, those before `before_id`."""
    return [Version(*row) for row in store.rule_versions(connection, before_id, count_max)]


def text_of(connection: Connection, version_id: int) -> str:
    """The text of the version with that id. Raises RulesUnknown."""
    text = store.rule_text(connection, version_id)
    if text is None:
        raise RulesUnknown(f"there is no version {version_id}")
    return text
