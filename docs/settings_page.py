"""Write docs/settings.md: every setting with its default, its bounds and what the source says about it.

    .venv/bin/python docs/settings_page.py

The words are the comments in the settings' source, or where it has none those of ABOUT. tests/unit/test_docs.py
compares.
"""

import importlib
import inspect
import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ingest.settings import AnhuSettings

HERE: Final = Path(__file__).parent
PACKAGES: Final = ("ingest", "alerting", "inspection", "dashboard", "anhu")
FIELD: Final = re.compile(r"    (\w+): ")
# What the source does not say beside the setting itself.
ABOUT: Final = {
    "ANHU_DATABASE_URL": "`postgresql://…`, with TimescaleDB in it; unset: the embedded server",
    "ANHU_MQTT_URL": "`mqtt://` or `mqtts://`, with the service's account; unset: the embedded broker",
    "ANHU_DATA_DIR": "where the embedded servers, the spool and the keys are",
    "ANHU_PIPELINE_BATCH_COUNT_MAX": "how many messages one transaction takes",
    "ANHU_PIPELINE_BATCH_AGE_MS_MAX": "how long a batch is collected",
    "ANHU_PIPELINE_INBOX_COUNT_MAX": "messages taken from the broker and not acknowledged yet",
    "ANHU_PIPELINE_INBOX_MIB_MAX": "their size together",
    "ANHU_PIPELINE_PAYLOAD_BYTES_MAX": "a longer message is refused (`too_large`)",
    "ANHU_PIPELINE_FUTURE_S_MAX": "how far ahead a device's clock is believed",
    "ANHU_PIPELINE_AGE_DAYS_MAX": "how old a reading may be when it comes",
    "ANHU_PIPELINE_SPOOL_MIB_MAX": "how much waits on disk while the database is away",
    "ANHU_PIPELINE_SPOOL_RESERVE_MIB": "how much of that is taken from the disk at the start, for when it is full",
    "ANHU_PIPELINE_DEAD_LETTERS_KEPT_MAX": "refused messages that are kept to be looked at",
    "ANHU_PIPELINE_UNCLAIMED_KEPT_MAX": "unregistered devices on the list",
    "ANHU_PIPELINE_SESSION_EXPIRY_S": "how long the broker keeps our queue while nobody serves it",
    "ANHU_BROKER_TLS_PORT": "8883 is usual; unset: the embedded broker is reached on this machine only",
    "ANHU_BROKER_TLS_KEY": "the key of that certificate (PEM)",
    "ANHU_DASHBOARD_TLS_KEY": "the key of that certificate (PEM)",
    "ANHU_PANEL_HOST": "the address at which panels are listened to",
    "ANHU_PANEL_PORT": "unset: none is listened to",
    "ANHU_PANEL_CONNECTIONS_MAX": "panels connected at a time",
    "ANHU_PANEL_IDLE_S_MAX": "a connection that says nothing for so long is closed",
    "ANHU_PANEL_FRAMES_PER_S_MAX": "of one connection",
    "ANHU_PANEL_UNACKNOWLEDGED_MAX": "frames of one connection that wait for their commit",
    "ANHU_WATCH_HEARTBEAT_S_MAX": "a pipeline silent for longer is an alert",
    "ANHU_WATCH_ROLLUPS_BEHIND_S_MAX": "rollups further behind are an alert",
    "ANHU_WATCH_CERTIFICATE_DAYS_MIN": "a certificate that ends sooner is an alert",
    "ANHU_WATCH_CERTIFICATES": "files of certificates that are looked at, in PEM",
    "ANHU_WATCH_DEAD_MAN_S": "how often the dead man's address is fetched",
    "ANHU_DRILL_SHOWN_S_MAX": "from the start to a page that has drawn it",
    "ANHU_DRILL_PUSHED_S_MAX": "from the start to a provider that took the first message",
    "ANHU_DRILL_ACKNOWLEDGED_S_MAX": "from the start to somebody's acknowledgement",
    "ANHU_DRILL_CHAIN_FROM": "the chain test is not before …",
    "ANHU_DRILL_CHAIN_UNTIL": "… and not after this time of day",
    "ANHU_DRILL_CHAIN_TEST_S_MAX": "a chain test is over by then",
    "ANHU_DRILL_DUTY_FROM": "random duty checks are not before …",
    "ANHU_DRILL_DUTY_UNTIL": "… and not after this time of day",
    "ANHU_DRILL_ANSWER_S_MAX": "how long the desk has to answer a duty check",
    "ANHU_NOTIFY_LINK_HOURS": "how long an acknowledge link works",
    "ANHU_NOTIFY_WORKERS_PER_CHANNEL": "messages under way at a provider at a time",
    "ANHU_NOTIFY_SEND_S_MAX": "a provider that has not answered by then has failed",
    "ANHU_NOTIFY_REFRESH_S": "how often people, rotations and policies are looked at anew",
    "ANHU_NOTIFY_DATABASE_CONNECTIONS_MAX": "of the notifier",
    "ANHU_NOTIFY_JOURNAL_MIB_MAX": "how large the journal may grow",
    "ANHU_NOTIFY_WECOM_URL": "another one for a private deployment",
    "ANHU_NOTIFY_DINGTALK_URL": "another one for a private deployment",
    "ANHU_NOTIFY_FEISHU_URL": "another one for a private deployment",
    "ANHU_NOTIFY_WEBHOOK_PLAIN_HTTP": "whether webhooks may be `http://`",
    "ANHU_NOTIFY_SMTP_FROM": "the sender of mail",
    "ANHU_NOTIFY_SMS_URL": "the HTTP gateway for SMS",
    "ANHU_NOTIFY_SMS_HEADERS": "JSON: its headers, a key among them",
    "ANHU_NOTIFY_SMS_BODY": "what is posted to it; `{phone}`, `{text}` and `{key}` (one for all tries) are filled in",
    "ANHU_NOTIFY_SMS_BYTES_MAX": "longer texts are cut",
    "ANHU_NOTIFY_SMS_OK_FIELD": "the field of its answer that tells whether it took it; empty: the HTTP status tells",
    "ANHU_NOTIFY_SMS_OK_VALUE": "what stands there when it did",
    "ANHU_DASHBOARD_HOST": "the address at which the page is served",
    "ANHU_DASHBOARD_SESSION_HOURS_MAX": "how long a sign-in lasts at most",
    "ANHU_DASHBOARD_SESSIONS_PER_USER_MAX": "the oldest ends when there would be more",
    "ANHU_DASHBOARD_ACCESS_TOKEN_DAYS_MAX": "how long an access token lasts at most",
    "ANHU_DASHBOARD_METRICS_NETWORKS": "who may read `/metrics`",
    "ANHU_DASHBOARD_DATABASE_CONNECTIONS_MAX": "of one dashboard process",
    "ANHU_DASHBOARD_DATABASE_WAIT_S_MAX": "a request that gets no connection by then is refused",
    "ANHU_DASHBOARD_BODY_BYTES_MAX": "of a request that brings no file",
    "ANHU_DASHBOARD_STOP_S_MAX": "how long requests may take to end at a stop",
    "ANHU_DASHBOARD_CLIENTS_MAX": "pages connected at a time",
    "ANHU_DASHBOARD_CLIENT_MESSAGES_PER_S_MAX": "of one page",
    "ANHU_DASHBOARD_WATCHED_PER_CLIENT_MAX": "devices whose curves one page follows",
    "ANHU_DASHBOARD_READINGS_POLL_S": "how often their new readings are looked for",
    "ANHU_DASHBOARD_HEARTBEAT_S": "how often each page gets a sign of life",
    "ANHU_DASHBOARD_PULSE_S": "how often the pipeline's sign of life is looked at",
    "ANHU_DASHBOARD_PIPELINE_SILENCE_S_MAX": "a pipeline silent for longer has stopped, for the pages",
    "ANHU_DASHBOARD_PING_INTERVAL_S": "of websockets",
    "ANHU_DASHBOARD_PING_TIMEOUT_S": "a websocket that does not answer by then is closed",
    "ANHU_DASHBOARD_RECONNECT_DELAY_S_MAX": "of the dashboard's own connection for the event log",
    "ANHU_OIDC_ISSUER": "the provider's issuer, exactly as it calls itself",
    "ANHU_OIDC_CLIENT_ID": "this service's id there",
    "ANHU_OIDC_SCOPES": "what is asked for",
    "ANHU_OIDC_ANSWER_S_MAX": "seconds for each of the provider's answers",
}
INTRODUCTION: Final = """# Every setting

Written by [settings_page.py](settings_page.py) from the source. Environment variables, or the same in `anhu.toml`
(its path in `ANHU_CONFIG`): connection settings at the top, the others in the table that stands at each heading, by the
name without its prefix and in small letters. What matters most is told in [operation](operation.md#settings).
"""


@dataclass(frozen=True)
class Setting:
    """One setting as the page tells it."""

    variable: str
    default: str
    bounds: str
    about: str


@dataclass(frozen=True)
class Group:
    """The settings of one class."""

    table: str
    about: str
    settings: tuple[Setting, ...]


def modules() -> Iterable[ModuleType]:
    """Those that hold settings, wherever they are."""
    for package in PACKAGES:
        for path in sorted((HERE.parent / package).glob("*.py")):
            if "(AnhuSettings)" in path.read_text("utf-8"):
                yield importlib.import_module(f"{package}.{path.stem}")


def groups() -> list[Group]:
    """All groups of settings, in the order of the source."""
    found = []
    for module in modules():
        for kind in vars(module).values():
            ours = isinstance(kind, type) and issubclass(kind, AnhuSettings) and kind.__module__ == module.__name__
            if ours and kind is not AnhuSettings:
                found.append(_group(kind))
    return found


def _group(kind: type[AnhuSettings]) -> Group:
    about, prefix = _comments(inspect.getsource(kind)), kind.model_config["env_prefix"]
    made = [
        Setting(
            f"{prefix}{name.upper()}",
            _default(field),
            _bounds(field),
            _about(f"{prefix}{name.upper()}", about.get(name, "")),
        )
        for name, field in kind.model_fields.items()
        if not _is_group(field)
    ]
    told = " ".join((kind.__doc__ or "").split())
    return Group(kind.table, told, tuple(made))


def _about(variable: str, comment: str) -> str:
    return comment or ABOUT.get(variable, "")


def _is_group(field: FieldInfo) -> bool:
    kind: Any = field.annotation
    return isinstance(kind, type) and issubclass(kind, AnhuSettings)


def _comments(source: str) -> dict[str, str]:
    """Field → the comment on its line, else those right above it."""
    said = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    lines, found = source.splitlines(), {}
    for number, line in enumerate(lines, 1):
        field = FIELD.match(line)
        if not field:
            continue
        above, at = [], number - 1
        while at in said and lines[at - 1].lstrip().startswith("#"):
            above.append(said[at])
            at -= 1
        found[field[1]] = " ".join([*reversed(above), *([said[number]] if number in said else [])])
    return found


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined or field.default is None or field.default in ("", (), []):
        return ""
    value = field.default
    if isinstance(value, bool):
        return str(value).lower()
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if isinstance(value, list | tuple):
        value = ",".join(str(each) for each in value)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _bounds(field: FieldInfo) -> str:
    signs = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
    found = [f"{sign} {getattr(each, name)}" for each in field.metadata for name, sign in signs if hasattr(each, name)]
    return ", ".join(found)


def page() -> str:
    """docs/settings.md."""
    parts = [INTRODUCTION]
    for group in groups():
        rows = [
            f"| `{each.variable}` | {each.default} | {each.bounds} | {each.about.replace('|', chr(92) + '|')} |"
            for each in group.settings
        ]
        title = f"`[{group.table}]`" if group.table else "Connections"
        table = "| variable | default | bounds | what it is |\n|---|---|---|---|\n"
        parts.append(f"## {title}\n\n{group.about}\n\n{table}" + "\n".join(rows) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    (HERE / "settings.md").write_text(page(), "utf-8")
