"""`anhu rating lists …`: the criteria of the red, watch and black list."""

import typer

from anhu.commands.versioned_file import VersionedFile, add_commands
from anhu.language import text
from ingest.database import Connection
from inspection import credit_criteria, credit_list_store, rating_policy
from inspection.credit_criteria import Criteria
from inspection.errors import CreditCriteriaInvalid

app = typer.Typer(no_args_is_help=True, help="红名单、重点关注名单、黑名单的列入条件。 Criteria of the credit lists.")


def _in_force(connection: Connection) -> str | None:
    found = credit_list_store.load_criteria(connection)
    return found[1] if found else None


def _put_in_force(connection: Connection, made: Criteria, body: str, by: str) -> bool:
    return credit_list_store.save_criteria(connection, made, body, f"cli:{by}")


def _remarks(made: Criteria) -> list[str]:
    """Figures without a source, and criteria that no rating by a shipped policy can meet."""
    lines = []
    if own := ", ".join(credit_criteria.defaults(made)):
        lines.append(text(f"没有注明来源：{own}", f"without a source: {own}"))
    for name in rating_policy.shipped():
        policy = rating_policy.parse(rating_policy.shipped_text(name))
        if unmet := ", ".join(credit_criteria.never_met(made, policy)):
            lines.append(text(f"策略 {name} 下不会满足：{unmet}", f"never met under policy {name}: {unmet}"))
    return lines


add_commands(
    app,
    VersionedFile(
        command="rating lists",
        noun=("名单列入条件", "criteria of the credit lists"),
        invalid=CreditCriteriaInvalid,
        default=credit_criteria.default_text,
        parse=credit_criteria.parse,
        version=lambda made: made.version,
        count=lambda made: (
            f"{len(made.lists)} 个名单，{len(made.criteria)} 条条件",
            f"{len(made.lists)} lists, {len(made.criteria)} criteria",
        ),
        without_clause=lambda _: (),
        in_force=_in_force,
        put_in_force=_put_in_force,
        remarks=_remarks,
    ),
)
