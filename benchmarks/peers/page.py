"""docs/peers.md, made from the figures and the prose in texts/."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TEXTS: Final = Path(__file__).parent / "texts"
ANHU: Final = "anhu"
NONE: Final = "none"
FAULTS: Final = (
    ("kill", "kill -9，10 秒后重启", "kill -9, started again after 10 s"),
    ("broker", "broker 重启（停 3 秒）", "broker restarted (3 s away)"),
    ("database", "数据库停 {database_away_s:g} 秒", "database down {database_away_s:g} s"),
    ("resend", "每五条重发一条", "every fifth message sent again"),
)
COUNTS: Final = (
    ("rows_lost", "丢失的行", "rows lost"),
    ("rows_doubled", "重复的行", "rows doubled"),
    ("alerts_lost", "丢失的报警", "alerts lost"),
    ("alerts_doubled", "重复的报警", "alerts doubled"),
)


@dataclass(frozen=True)
class Row:
    """One row of the table. `value` answers None where a variant has nothing to show, `why` says where Anhu may be
    behind, and why that is so."""

    zh: str
    en: str
    value: Callable[[Mapping[str, Any]], float | None]
    higher: bool = False
    why: str = ""


def _in(*names: str) -> Callable[[Mapping[str, Any]], float | None]:
    def value(found: Mapping[str, Any]) -> float | None:
        here: Any = found
        for name in names:
            if here is None:
                return None
            here = here.get(name)
        return None if here is None else float(here)

    return value


WHY_GATHERED: Final = (
    "Anhu gathers messages for some 20 ms before a commit, so that one commit carries many. Who commits each message at"
    " once answers sooner at a low rate, and stops at a lower one."
)
WHY_HALF: Final = (
    "Each is measured at half of its own highest rate, so the rates differ: see the ladder. At the common rate above,"
    " all do the same work."
)
WHY_PUSHED: Final = (
    "Node-RED tells the page from memory, before anything is in the database, and one process does everything. Anhu"
    " judges a batch of messages and hands the alert to another process, which serves the page."
)
WHY_CPU: Final = (
    "Anhu also checks, registers, judges by detectors and explains each reading, and watches for silent devices; the"
    " others compare two limits. At a low rate what goes on without any message is divided by few messages."
)
WHY_ASKED: Final = (
    "Anhu also asks when nothing comes: a heartbeat a second, the page that follows the event log; and it flushes on a"
    " connection of its own, so that no alarm waits for the disk. Alerts are an append-only log chained by hashes."
)
WHY_MEMORY: Final = (
    "collectd is C and Node-RED one process; Anhu is a supervisor and two roles in Python with numpy, the registry, the"
    " state of all detectors and the page for those on duty."
)
WHY_FAULT: Final = "Look into it: nothing known explains this."


PARTS: Final = (
    ("common", "共同速率下", "at the common rate"),
    ("half", "各自最高速率一半时", "at half of its highest rate"),
)


def rows() -> list[Row]:
    """The measurements, in the page's order."""
    highest = "highest rate with every row stored (messages/s)"
    found = [Row("最高速率，每行都已入库（条/秒）", highest, _in("highest_per_s"), higher=True, why="")]
    for part, zh, en in PARTS:
        row_why = WHY_GATHERED if part == "common" else WHY_HALF
        for what, name_zh, name_en, why in (
            ("row_ms", "入库", "row", row_why),
            ("websocket_ms", "网页", "websocket", WHY_PUSHED),
        ):
            label_zh, label_en = f"{zh}，发布→{name_zh} p99（ms）", f"publish → {name_en} p99 {en} (ms)"
            found.append(Row(label_zh, label_en, _in(part, what, "p99"), why=why))
    for part, zh, en in PARTS:
        for who, name_zh, name_en, why in (
            ("peer", "自身", "its own", WHY_CPU),
            ("postgres", "数据库", "the database's", WHY_ASKED),
        ):
            label_zh = f"{zh}，{name_zh} CPU（核·秒/百万条）"
            label_en = f"{name_en} CPU {en} (core-seconds per million messages)"
            found.append(Row(label_zh, label_en, _in(part, "cpu_s_per_million", who), why=why))
    return [*found, Row("内存峰值（MiB）", "peak memory (MiB)", _in("memory_peak_mib"), why=WHY_MEMORY)]


def shown(value: float | None) -> str:
    """A figure as the table shows it.

    >>> shown(12_345.6), shown(12.34), shown(0.0), shown(None)
    ('12,346', '12.3', '0', 'none')
    """
    if value is None:
        return NONE
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def behind(values: Mapping[str, float | None], *, higher: bool = False) -> list[str]:
    """Who is ahead of Anhu, by name; [] where nobody is. Without a figure of Anhu's nobody can be.

    >>> behind({"anhu": 3.0, "a": 2.0, "b": 3.0, "c": None}), behind({"anhu": 3.0, "a": 4.0}, higher=True)
    (['a'], ['a'])
    """
    own = values.get(ANHU)
    if own is None:
        return []
    better = {name: value for name, value in values.items() if value is not None and name != ANHU}
    return [name for name, value in better.items() if (value > own if higher else value < own)]


def render(document: Mapping[str, Any], variants: Sequence[tuple[str, str, str, str]]) -> str:
    """The page. `variants`: (name, title, settings in Chinese, settings in English), those not measured are left out.

    Raises KeyError where a measured variant lacks a figure.
    """
    measured, machine = document["variants"], document["machine"]
    there = [each for each in variants if each[0] in measured]
    missing = [title for name, title, _, _ in variants if name not in measured]
    titles = {name: title for name, title, _, _ in there}
    return "\n".join(
        [
            *_head(machine, missing),
            "",
            "## 结果 / Results",
            "",
            *_figures(measured, titles),
            "",
            "## 故障 / Faults",
            "",
            *_faults(measured, titles, machine),
            "",
            "## 速率阶梯 / Ladder",
            "",
            *_ladder(measured, titles),
            "",
            "## 设置 / Settings",
            "",
            *(f"- **{title}**{_version(measured[name])}：{zh}。 / {en}." for name, title, zh, en in there),
            "",
        ]
    )


def _version(found: Mapping[str, Any]) -> str:
    return f" ({found['version']})" if found.get("version") else ""


def _head(machine: Mapping[str, Any], missing: Sequence[str]) -> list[str]:
    draft = [(TEXTS / "draft.md").read_text("utf-8")] if machine["quick"] else []
    left = [f"> 未测 / not measured: {', '.join(missing)}\n"] if missing else []
    text = (TEXTS / "head.md").read_text("utf-8").format(**{**machine, "at": machine["at"][:10]})
    title = "# 与同类软件并排 / Peers, side by side\n"
    return [title, *draft, *left, text.rstrip()]


def _table(titles: Mapping[str, str], lines: Sequence[tuple[str, Mapping[str, str], str]]) -> list[str]:
    head = ["", *titles.values(), "安护未领先？ / Anhu not ahead?"]
    body = [[label, *(cells[name] for name in titles), note] for label, cells, note in lines]
    return [
        "| " + " | ".join(head) + " |",
        "|---|" + "---:|" * len(titles) + "---|",
        *("| " + " | ".join(line) + " |" for line in body),
    ]


def _figures(measured: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    lines, reasons = [], []
    for row in rows():
        values = {name: row.value(measured[name]) for name in titles}
        ahead = behind(values, higher=row.higher)
        note = ""
        if ahead:
            if row.why not in reasons:
                reasons.append(row.why)
            note = f"{', '.join(titles[name] for name in ahead)} [{reasons.index(row.why) + 1}]"
        lines.append((f"{row.zh} / {row.en}", {name: shown(value) for name, value in values.items()}, note))
    missing = _missing(measured, titles)
    numbered = [f"{number}. {why or WHY_FAULT}" for number, why in enumerate(reasons, 1)]
    return [*_table(titles, lines), *(["", *missing] if missing else []), *(["", *numbered] if numbered else [])]


def _missing(measured: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    """What a latency does not tell: messages that never arrived."""
    lines = []
    for name, title in titles.items():
        for part, words in (("common", "at the common rate"), ("half", "at half of its highest rate")):
            found = measured[name][part]
            for what, kind in (("rows_missing", "probed rows"), ("websocket_missing", "alarms at the websocket")):
                if found[what]:
                    lines.append(f"- {title}, {words}: {found[what]} {kind} never came and are not in the p99.")
    return lines


def _faults(measured: Mapping[str, Any], titles: Mapping[str, str], machine: Mapping[str, Any]) -> list[str]:
    lines = []
    for fault, zh, en in FAULTS:
        for count, count_zh, count_en in COUNTS:
            values = {name: float(measured[name]["faults"][fault][count]) for name in titles}
            sent = "rows_sent" if count.startswith("rows") else "alerts_sent"
            cells = {
                name: f"{shown(value)} / {measured[name]['faults'][fault][sent]:,}" for name, value in values.items()
            }
            label = f"{zh}：{count_zh} / {en}: {count_en}".format(**machine)
            ahead = ", ".join(titles[name] for name in behind(values))
            lines.append((label, cells, f"{ahead}: {WHY_FAULT}" if ahead else ""))
    text = (TEXTS / "faults.md").read_text("utf-8").format(**machine)
    return [text, *_table(titles, lines)]


def _ladder(measured: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    lines = []
    for name, title in titles.items():
        steps = [
            f"{each['rate_per_s']:,} × {each['seconds']} s "
            + ("✓" if each["held"] else f"✗ ({each['stored']:,} of {each['sent']:,}, {each['backlog_s']:g} s late)")
            for each in measured[name]["ladder"]
        ]
        lines.append(f"- {title}: {'; '.join(steps)}")
    return lines
