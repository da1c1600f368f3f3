"""docs/peers.md, from the figures. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

FAULT_WORDS: Final = {
    "kill": "kill -9, back after 10 s",
    "broker": "broker restarted",
    "database": "database down for 30 s",
    "repeated": "every fifth message again, 8 s later",
}


def page(document: Mapping[str, Any], head: str, how: str) -> str:
    """The page as Markdown. `document`: `machine`, `at`, `quick`, `contenders` (name → figures); `head` and `how` are
    its words, the latter with places for the conditions."""
    contenders = list(document["contenders"].values())
    conditions = {name: document[name] for name in ("backlog_s", "fault_per_s", "alarms")}
    parts = _about(document), _rates(contenders), _faults(contenders), _notes(contenders), _settings(contenders)
    return "\n".join([head, *parts, how.format(**conditions)])


def _about(document: Mapping[str, Any]) -> str:
    machine = document["machine"]
    quick = " **A quick run: coarse figures.**" if document["quick"] else ""
    return (
        f"{document['at'][:10]}, {machine['cores']} cores ({machine['processor']}),"
        f" {machine['memory_mib'] // 1024} GiB,"
        f" PostgreSQL {machine['postgres']}, TimescaleDB {machine['timescaledb']}, mosquitto {machine['mosquitto']};"
        f" others took {document['neighbours_percent']:.0f} % of a core.{quick}\n\n"
    )


def _rates(contenders: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        ("highest rate with every row stored, messages/s", [f"{each['best_per_s']:,}" for each in contenders]),
        *(
            row
            for part, words in (("common", "at {} messages/s"), ("half", "at half of its highest rate"))
            for row in (
                (
                    f"publish → row p99, {words.format(contenders[0][part]['per_s'])}, ms",
                    [_number(each[part]["row_p99_ms"]) for each in contenders],
                ),
                (
                    f"publish → websocket p99, {words.format(contenders[0][part]['per_s'])}, ms",
                    [_socket(each, part) for each in contenders],
                ),
            )
        ),
        (
            "CPU s a million messages, at half of its rate",
            [f"{each['half']['cpu_s_per_million']:,}" for each in contenders],
        ),
        (
            "… with database and broker",
            [f"{each['half']['cpu_s_per_million_with_servers']:,}" for each in contenders],
        ),
        ("memory, MiB", [f"{each['memory_mib']:,}" for each in contenders]),
    ]
    return "## Rates, latencies, what it takes\n\n" + _table(["", *(each["title"] for each in contenders)], rows) + "\n"


def _faults(contenders: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for fault, words in FAULT_WORDS.items():
        for what in ("rows", "alerts"):
            cells = []
            for each in contenders:
                found = each["faults"][fault]
                cells.append(f"{found[f'{what}_lost']:,} / {found[f'{what}_doubled']:,}")
            sent = {each["faults"][fault][f"{what}_sent"] for each in contenders}
            rows.append((f"{words}: {what}, of {max(sent):,}", cells))
    return "## Faults: lost / doubled\n\n" + _table(["", *(each["title"] for each in contenders)], rows) + "\n"


def behind(contenders: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, float, float]]:
    """(figure, peer, Anhu's, the peer's) where a peer is ahead of the first contender, which is Anhu.

    A peer is ahead when it is better by more than a tenth, and by more than half a unit: runs differ by that.
    """
    anhu, *peers = contenders
    found = []
    for label, path in _LESS_IS_BETTER.items():
        own = _at(anhu, path)
        for peer in peers:
            other = _at(peer, path)
            if own is not None and other is not None and other < own / 1.1 and other < own - 0.5:
                found.append((label, peer["title"], own, other))
    rates = ((peer["title"], anhu["best_per_s"], peer["best_per_s"]) for peer in peers)
    return found + [("highest rate", title, own, other) for title, own, other in rates if other > 1.1 * own]


def _at(figures: Mapping[str, Any], path: str) -> float | None:
    """The figure at `path`, names with dots between them."""
    found: Any = figures
    for name in path.split("."):
        found = found[name]
    return None if found is None else float(found)


_LESS_IS_BETTER: Final = {
    "publish → row p99 at the common rate": "common.row_p99_ms",
    "publish → row p99 at half": "half.row_p99_ms",
    "publish → websocket p99 at the common rate": "common.websocket_p99_ms",
    "publish → websocket p99 at half": "half.websocket_p99_ms",
    "CPU a million messages": "half.cpu_s_per_million",
    "CPU a million messages with database and broker": "half.cpu_s_per_million_with_servers",
    "memory": "memory_mib",
    **{
        f"{words}: {what} {outcome}": f"faults.{fault}.{what}_{outcome}"
        for fault, words in FAULT_WORDS.items()
        for what in ("rows", "alerts")
        for outcome in ("lost", "doubled")
    },
}
_WHY: Final = {
    "publish → row p99 at the common rate": (
        "Anhu gathers a batch for up to 10 ms and judges it before it is stored, so that one transaction holds readings"
        " and alerts; a peer that inserts at once is a little sooner while it keeps up."
    ),
    "publish → row p99 at half": (
        "Half of Anhu's highest rate is many times a peer's. At the common rate the two are compared with each other."
    ),
    "publish → websocket p99 at the common rate": (
        "Node-RED sends the alert before anything is stored: it is sooner, and after a crash nobody knows that it was"
        " sent. Anhu shows an alarm once it is on record, in the database or on its own disk."
    ),
    "publish → websocket p99 at half": (
        "Half of Anhu's highest rate is many times a peer's, and the alarm is on record before it is shown."
    ),
    "memory": (
        "Anhu's is that of three processes, one of them a whole web application with rights, history and reports; a"
        " peer's is a broker's client with a pool of connections."
    ),
    "CPU a million messages with database and broker": "See the CPU of its own processes above.",
}


def _notes(contenders: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for label, peer, own, other in behind(contenders):
        why = _WHY.get(label, "")
        lines.append(f"- **{label}**: {peer} {other:,g}, Anhu {own:,g}. {why}".rstrip())
    if not lines:
        return "## Where Anhu is not ahead\n\nIn no row by more than a tenth.\n\n"
    return "## Where Anhu is not ahead\n\n" + "\n".join(lines) + "\n\n"


def _settings(contenders: Sequence[Mapping[str, Any]]) -> str:
    rows = [(each["title"], [each["version"], each["settings"]]) for each in contenders]
    ladders = [
        (
            each["title"],
            [", ".join(f"{one['per_s']:,} {'✓' if one['kept_up'] else '✗'}" for one in each["ladder"])],
        )
        for each in contenders
    ]
    return (
        "## Settings\n\n" + _table(["", "version", "settings"], rows) + "\n## Rates that were tried\n\n"
        + _table(["", "messages/s"], ladders)
    )  # fmt: skip


def _number(value: float | None) -> str:
    return "not all came" if value is None else f"{value:,g}"


def _socket(each: Mapping[str, Any], part: str) -> str:
    return "none" if not each["websocket"] else _number(each[part]["websocket_p99_ms"])


def _table(head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [f"| {label} | " + " | ".join(cells) + " |" for label, cells in rows]
    return "\n".join(lines) + "\n"
