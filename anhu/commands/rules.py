"""`anhu rules …`: what counts as an alarm."""

from pathlib import Path
from typing import Annotated

import typer

from alerting import explanation, rules_operate, store
from alerting.errors import RulesInvalid
from alerting.rules import RuleSet, default_rules, parse
from anhu.commands import backtest
from anhu.commands.ground import DataDir, database
from anhu.commands.versioned_file import VersionedFile, add_commands, read
from anhu.errors import DeviceUnknown
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest import store as ingest_store
from ingest.database import Connection, connect
from ingest.registry import Device, Registry

app = typer.Typer(no_args_is_help=True, help="报警规则。 The alarm rules.")


def _put_in_force(connection: Connection, rules: RuleSet, body: str, by: str) -> bool:
    return rules_operate.put_in_force(connection, rules, body, by=by, actor=f"cli:{by}", reason="")


def _in_force(connection: Connection) -> str | None:
    found = store.load_rules(connection)
    return found[0] if found else None


add_commands(
    app,
    VersionedFile(
        command="rules",
        noun=("报警规则", "alarm rules"),
        invalid=RulesInvalid,
        default=default_rules,
        parse=parse,
        version=lambda rules: rules.version,
        count=lambda rules: (
            f"{len(rules.rules)} 条规则，{len(rules.combinations)} 条组合判断",
            f"{len(rules.rules)} rules, {len(rules.combinations)} combinations",
        ),
        without_clause=lambda rules: [
            *(rule.id for rule in rules.rules if not rule.clause_verified),
            *(each.id for each in rules.combinations if not each.clause_verified),
        ],
        in_force=_in_force,
        put_in_force=_put_in_force,
    ),
)


@app.command(
    help="说明哪些规则看着一个设备：阈值、时间、依据，现在是否成立。 "
    "Say which rules watch a device: setpoints, delays, clauses, and whether they hold now.",
    epilog="例 / for example: anhu rules explain smk-0301 --institution anhe",
)
def explain(
    device: Annotated[str, typer.Argument(help="设备代码 / code of the device.")],
    institution: Annotated[
        str | None,
        typer.Option(help="机构代码，设备代码重复时需要 / code of its institution, if the device's is not unique."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Print a paragraph a rule."""
    with plain_errors():
        with database(data_dir) as url, connect(url) as connection:
            registry = ingest_store.load_registry(connection)
            found = store.load_rules(connection)
            alerts = store.open_alerts(connection)
        for each in explanation.explain(
            parse(found[0] if found else default_rules()), registry, _device(registry, device, institution), alerts
        ):
            state = {None: "", True: text("【正在报警】", "[in alarm] "), False: ""}[each.holds]
            typer.echo(f"{each.rule}\n  {state}{text(each.text_zh, each.text_en)}")
            unread = "" if each.clause_verified else text("（尚未核对原文）", " (not yet read in its source)")
            typer.echo(f"  {text('依据', 'clause')}: {text(each.clause_zh, each.clause)}{unread}")


@app.command(
    "backtest",
    help="用新规则重判已存的读数，与现行规则比较：多报、少报、提前、推迟。 "
    "Judge stored readings under other rules: what would have been raised more, less, earlier, later.",
    epilog="例 / for example: anhu rules backtest my-rules.toml --from 2026-11-01 --to 2026-11-08",
)
def try_out(
    file: Path,
    begin: Annotated[str, typer.Option("--from", help="从何时起 / from when on, e.g. 2026-11-01T00:00.")],
    end: Annotated[str, typer.Option("--to", help="到何时为止 / until when.")],
    data_dir: DataDir = None,
) -> None:
    """Compare the rules in force with those in `file`."""
    with plain_errors():
        body = read(file, RulesInvalid)
        parse(body)
        span = backtest.moment(begin, "--from"), backtest.moment(end, "--to")
        with database(data_dir) as url, connect(url) as connection:
            found, registry = backtest.run(connection, body, *span)
        backtest.show(found, registry)


def _device(registry: Registry, code: str, institution: str | None) -> Device:
    """The device with this code. Raises DeviceUnknown where there is none, or more than one."""
    found = [
        each
        for each in registry.devices.values()
        if each.code == code and institution in {None, registry.institutions[each.institution_id].code}
    ]
    if not found:
        raise DeviceUnknown(text(f"没有设备 {code}", f"no device {code}"))
    if len(found) > 1:
        homes = ", ".join(sorted(registry.institutions[each.institution_id].code for each in found))
        raise DeviceUnknown(
            text(
                f"多个机构有设备 {code}，请用 --institution 指定：{homes}",
                f"several institutions have a device {code}; name one by --institution: {homes}",
            )
        )
    return found[0]
