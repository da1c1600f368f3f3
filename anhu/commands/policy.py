"""`anhu policy …`: who is told of an alarm, and after how long."""

import typer

from alerting.errors import PolicyInvalid
from alerting.escalation import Policy, default_policy, parse
from alerting.oncall_store import load_policy, save_policy
from anhu.commands.versioned_file import VersionedFile, add_commands
from ingest.database import Connection

app = typer.Typer(no_args_is_help=True, help="升级通知策略。 Escalation policies.")


def _put_in_force(connection: Connection, policy: Policy, body: str, by: str) -> bool:
    return save_policy(connection, policy, body, loaded_by=f"cli:{by}")


def _in_force(connection: Connection) -> str | None:
    found = load_policy(connection)
    return found[0] if found else None


add_commands(
    app,
    VersionedFile(
        command="policy",
        noun=("通知策略", "escalation steps"),
        invalid=PolicyInvalid,
        default=default_policy,
        parse=parse,
        version=lambda policy: policy.version,
        count=lambda policy: (f"{len(policy.routes)} 条路由", f"{len(policy.routes)} routes"),
        without_clause=lambda policy: [route.id for route in policy.routes if not route.clause_verified],
        in_force=_in_force,
        put_in_force=_put_in_force,
    ),
)
