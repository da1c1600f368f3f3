"""Routes files: where an installer says which topics the gateways publish on. Checked as a whole, every error told.

[[route]]
topic = "zigbee2mqtt/{device}"
format = "zigbee2mqtt"
institution = "home-1"

[[route]]
topic = "application/{institution}/device/{device}/event/up"
format = "chirpstack_up"
names = { smoke_status = "smoke_alarm" }
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ingest import toml_text
from ingest.errors import RoutesInvalid
from ingest.formats import DEVICE_IN_TOPIC, IGNORE, NAMING, ROUTABLE, sparkplug
from ingest.quantity import QUANTITIES
from ingest.registry import CODE_PATTERN
from ingest.routes import DEVICE, DEVICE_DEEP, INSTITUTION, NO_NAMES, Filter, RouteRule, Routes, is_own
from ingest.table_lines import TableLines, line_of

ROUTES_MAX: Final = 1000
NAMES_MAX: Final = 200
FILE_BYTES_MAX: Final = 1024 * 1024
_CODE: Final = re.compile(CODE_PATTERN)
_FIELDS: Final = {"topic", "format", "institution", "names"}


@dataclass(frozen=True, slots=True)
class _Entry:
    rule: RouteRule
    number: int
    line: int | None

    @property
    def label(self) -> str:
        return f"route {self.number}" + (f" (line {self.line})" if self.line else "")


def load(path: Path | None) -> Routes:
    """The routes of a pipeline: Anhu's own, and those in the file at `path`. Raises RoutesInvalid."""
    if path is None:
        return Routes()
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise RoutesInvalid([(None, f"{path} is larger than {FILE_BYTES_MAX // 1024} KiB")])
        return parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RoutesInvalid([(None, f"{path}: {error}")]) from error


def parse(text: str) -> Routes:
    """The routes in `text`, after Anhu's own. Raises RoutesInvalid with every error and its line."""
    try:
        document = toml_text.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RoutesInvalid([(line_of(error), str(error))]) from error
    problems: list[tuple[int | None, str]] = [
        (None, f"unknown entry {name}; a routes file holds [[route]] tables") for name in document.keys() - {"route"}
    ]
    records = document.get("route", [])
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise RoutesInvalid([*problems, (None, "route must be written as [[route]] tables")])
    if len(records) > ROUTES_MAX:
        raise RoutesInvalid([(None, f"{len(records)} routes; at most {ROUTES_MAX} are read")])
    if not records:
        problems.append((None, "the file names no route"))
    lines, entries = TableLines(text), list[_Entry]()
    for number, record in enumerate(records, 1):
        line = lines.next("route")
        told: list[str] = []
        rule = _rule(record, told)
        problems += [(line, f"route {number}: {each}") for each in told]
        if rule is not None:
            entries.append(_Entry(rule, number, line))
    problems += _collisions(entries)
    if problems:
        raise RoutesInvalid(problems)
    return Routes(entry.rule for entry in entries)


def _rule(record: Mapping[str, Any], told: list[str]) -> RouteRule | None:
    """The route in one table, None where its topic cannot be read; what is wrong is appended to `told`."""
    told += [f"unknown field {name}" for name in record.keys() - _FIELDS]
    topic, format_, institution = (record.get(name, "") for name in ("topic", "format", "institution"))
    if not isinstance(format_, str) or format_ not in ROUTABLE:
        told.append(f"format {str(format_)[:32]!r} is not one of {', '.join(sorted(ROUTABLE))}")
        format_ = ""
    if not isinstance(institution, str) or (institution and not _CODE.fullmatch(institution)):
        told.append("institution is a code: letters, digits, - and _ only, at most 64")
        institution = ""
    names = _names(record.get("names", {}), format_, told)
    try:
        filter_ = Filter.parse(topic if isinstance(topic, str) else "")
    except ValueError as error:
        told.append(f"topic: {error}")
        return None
    if is_own(filter_):
        told.append(f"topic {topic}: what is under anhu/v1 is Anhu's own, and routed already")
    if format_ != IGNORE:
        if bool(institution) == (INSTITUTION in filter_.levels):
            told.append(f"name the institution once: as `institution`, or as the level {INSTITUTION} of the topic")
        if format_ in DEVICE_IN_TOPIC and not {DEVICE, DEVICE_DEEP} & set(filter_.levels):
            told.append(f"{format_} needs the level {DEVICE} in the topic")
        if format_ == sparkplug.FORMAT and filter_.levels[-1] != DEVICE_DEEP:
            told.append(f"sparkplug takes a group whole: a topic as spBv1.0/group/{DEVICE_DEEP}")
    return RouteRule(filter_, str(format_), institution, names)


def _names(value: object, format_: object, told: list[str]) -> Mapping[str, str]:
    """Property → quantity, "" for one to be passed over."""
    if not isinstance(value, dict) or len(value) > NAMES_MAX:
        told.append(f"names is a table of at most {NAMES_MAX} properties and quantities")
        return NO_NAMES
    if value and format_ not in NAMING:
        told.append(f"names has a meaning for {', '.join(sorted(NAMING))} only")
    for name, quantity in value.items():
        if not isinstance(quantity, str) or (quantity and quantity not in QUANTITIES):
            told.append(f"names: {name} = {str(quantity)[:32]!r} is no quantity")
    return {name: str(quantity) for name, quantity in value.items()} or NO_NAMES


def _collisions(entries: list[_Entry]) -> list[tuple[int | None, str]]:
    """Where two routes take the same topics: the narrower one must stand first, and one of them must be the narrower.
    An `ignore` before another route says itself that it takes some of its topics away."""
    problems: list[tuple[int | None, str]] = []
    for place, later in enumerate(entries):
        for earlier in entries[:place]:
            first, second = earlier.rule.filter, later.rule.filter
            if first.covers(second):
                detail = f"is never used, {earlier.label} takes all its topics: put the narrower one first"
            elif first.overlaps(second) and not second.covers(first) and earlier.rule.format != IGNORE:
                detail = f"is ambiguous, some of its topics are those of {earlier.label}"
            else:
                continue
            problems.append((later.line, f"route {later.number}: {second} {detail}"))
            break
    return problems
