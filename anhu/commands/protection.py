"""`anhu protection …`: when an institution conforms to the nine protections of GB 38600, and how many should."""

import typer

from anhu.commands.versioned_file import VersionedFile, add_commands
from ingest.database import Connection
from inspection import protection_policy, protection_store
from inspection.errors import ProtectionPolicyInvalid
from inspection.protection_policy import Policy

app = typer.Typer(no_args_is_help=True, help="九项防护达标策略。 The policy of the nine protections.")


def _put_in_force(connection: Connection, made: Policy, body: str, by: str) -> bool:
    return protection_store.save_policy(connection, made, body, f"cli:{by}")


add_commands(
    app,
    VersionedFile(
        command="protection",
        noun=("九项防护达标策略", "policy of the nine protections"),
        invalid=ProtectionPolicyInvalid,
        default=protection_policy.default_text,
        parse=protection_policy.parse,
        version=lambda made: made.version,
        count=lambda made: (
            f"目标 {made.target_percent}%，有效期 {made.valid_days} 天",
            f"target {made.target_percent} %, valid for {made.valid_days} days",
        ),
        without_clause=lambda _: (),
        in_force=protection_store.load_policy,
        put_in_force=_put_in_force,
    ),
)
