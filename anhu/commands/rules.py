"""`anhu rules …`: what counts as an alarm."""

from pathlib import Path
from typing import Annotated

import typer

from alerting import explanation, store
from alerting.errors import RulesInvalid
from alerting.rules import default_rules, parse
from anhu.commands import backtest
from anhu.commands.ground import DataDir, database, plain_errors, progress
from anhu.errors import DeviceUnknown
from anhu.language import text
from ingest import store as ingest_store
from ingest.database import connect
from ingest.registry import Device, Registry

app = typer.Typer(no_args_is_help=True, help="报警规则。 The alarm rules.")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesInvalid([f"{path}: {error}"]) from error


@app.command(
    help="检查规则文件。 Check a rule file.",
    epilog="例 / for example: anhu rules check my-rules.toml",
)
def check(file: Path) -> None:
    """Say every error in `file`."""
    with plain_errors():
        rules = parse(_read(file))
        unread = [rule.id for rule in rules.rules if not rule.clause_verified]
        unread += [each.id for each in rules.combinations if not each.clause_verified]
        counts = len(rules.rules), len(rules.combinations)
        progress(text(f"没有错误：{counts[0]} 条规则，{counts[1]} 条组合判断",
                      f"no errors: {counts[0]} rules, {counts[1]} combinations"))  # fmt: skip
        if unread:
            names = ", ".join(unread)
            progress(text(f"依据尚未核对原文：{names}", f"clauses not yet read in their source: {names}"))


@app.command(
    help="启用规则文件，记录由谁启用；运行中的服务在几秒内改用新规则。 "
    "Put a rule file in force, noting who did; a running service takes it up within seconds.",
    epilog='例 / for example: anhu rules load my-rules.toml --by "王工"',
)
def load(
    file: Path,
    by: Annotated[str, typer.Option(help="启用人姓名 / the name of the person who decides this.")],
    data_dir: DataDir = None,
) -> None:
    """Check `file` and put it in force."""
    with plain_errors():
        body = _read(file)
        rules = parse(body)
        with database(data_dir) as url, connect(url) as connection:
            new = store.save_rules(
                connection, version=rules.version, sha256=rules.sha256, body=body, loaded_by=by[:200]
            )
        if new:
            progress(text(f"规则 {rules.version} 已启用", f"rules {rules.version} are in force"))
        else:
            progress(text("这份规则已在使用", "these rules are in force already"))


@app.command(
    help="打印正在使用的规则；--default 打印自带规则。 "
    "Print the rules in force, or with --default those that ship with Anhu.",
    epilog="例 / for example: anhu rules show --default > my-rules.toml",
)
def show(
    default: Annotated[bool, typer.Option("--default", help="自带规则 / those that ship with Anhu.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Print the TOML text."""
    if default:
        typer.echo(default_rules(), nl=False)
        return
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        found = store.load_rules(connection)
        typer.echo(found[0] if found else default_rules(), nl=False)


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
            typer.echo(f"  {text('依据', 'clause')}: {each.clause}{unread}")


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
        body = _read(file)
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
