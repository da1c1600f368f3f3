"""`anhu rules …`: what counts as an alarm."""

import typer

from alerting import store
from alerting.errors import RulesInvalid
from alerting.rules import RuleSet, default_rules, parse
from anhu.commands.versioned_file import VersionedFile, add_commands
from ingest.database import Connection

app = typer.Typer(no_args_is_help=True, help="报警规则。 The alarm rules.")


def _put_in_force(connection: Connection, rules: RuleSet, body: str, by: str) -> bool:
    return store.save_rules(connection, version=rules.version, sha256=rules.sha256, body=body, loaded_by=by)


add_commands(
    app,
    VersionedFile(
        command="rules",
        noun=("报警规则", "alarm rules"),
        invalid=RulesInvalid,
        default=default_rules,
        parse=parse,
        version=lambda rules: rules.version,
        count=lambda rules: (f"{len(rules.rules)} 条规则", f"{len(rules.rules)} rules"),
        without_clause=lambda rules: [rule.id for rule in rules.rules if not rule.clause_verified],
        in_force=store.load_rules,
        put_in_force=_put_in_force,
    ),
)
