"""Registry files: what an installer writes in a spreadsheet (CSV) or an editor (TOML), checked as a whole.

Both become the same `Draft`; errors are collected with their lines, and one error means nothing is imported.
"""

import csv
import io
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from ingest import toml_text
from ingest.errors import RegistryFileInvalid
from ingest.quantity import QUANTITIES
from ingest.registry import CODE_PATTERN, DEVICE_KINDS, INSTITUTION_KINDS, PANEL_PREFIX, WEARS, ZONE_KINDS
from ingest.table_lines import TableLines, line_of

CSV_COLUMNS: Final = (
    "institution", "institution_name", "institution_name_en", "institution_kind", "region",
    "zone", "zone_name", "zone_name_en", "zone_kind", "floor",
    "device", "device_name", "device_kind", "model", "report_interval_s", "quantities", "wear",
    "address", "installed_on", "test_due_on",
)  # fmt: skip
_REQUIRED: Final = (
    "institution", "institution_name", "institution_kind", "zone", "zone_name", "zone_kind",
    "device", "device_name", "device_kind", "report_interval_s", "quantities",
)  # fmt: skip
_DATES: Final = ("installed_on", "test_due_on")
_CODE: Final = re.compile(CODE_PATTERN)
_EUI: Final = re.compile(r"(?:0x)?[0-9a-f]{2}(?:[:-]?[0-9a-f]{2}){7}", re.IGNORECASE)
ADDRESS_LENGTH_MAX: Final = 128
_TEXT_LENGTH_MAX: Final = 200
_ON_PANEL: Final = re.compile(r"gb26875/[0-9a-f]{12}(/[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,5}\.[0-9]{1,5})?)?")
# Without the first a fire that no registered component tells of would raise nothing; without the second nobody would
# notice that the panel has gone.
_PANEL_QUANTITIES: Final = ("fire_alarm", "alive")


@dataclass(slots=True)
class DeviceDraft:
    """A device as the file has it."""

    code: str
    name: str
    kind: str
    model: str
    report_interval_s: int
    quantities: tuple[str, ...]
    wear: str = ""
    address: str | None = None  # None where the file says nothing of it: then it stays as it is
    installed_on: date | None = None
    test_due_on: date | None = None


@dataclass(slots=True)
class ZoneDraft:
    """A zone as the file has it, with its devices by code."""

    code: str
    name: str
    name_en: str
    kind: str
    floor: int
    devices: dict[str, DeviceDraft] = field(default_factory=dict)


@dataclass(slots=True)
class InstitutionDraft:
    """An institution as the file has it, with its zones by code."""

    code: str
    name: str
    name_en: str
    kind: str
    region: str
    zones: dict[str, ZoneDraft] = field(default_factory=dict)


@dataclass(slots=True)
class Draft:
    """A whole file, without errors."""

    institutions: dict[str, InstitutionDraft] = field(default_factory=dict)

    @property
    def device_count(self) -> int:
        """How many devices the file names."""
        return sum(len(zone.devices) for each in self.institutions.values() for zone in each.zones.values())


def parse(text: str, *, suffix: str) -> Draft:
    """The draft in `text`, a `.csv` or `.toml` file. Raises RegistryFileInvalid with every error and its line."""
    if suffix == ".csv":
        return _Reader().read_csv(text)
    if suffix == ".toml":
        return _Reader().read_toml(text)
    raise RegistryFileInvalid([(None, f"a registry file ends in .csv or .toml, not in {suffix or 'nothing'}")])


class _Reader:
    """Collects the draft and the problems of one file."""

    def __init__(self) -> None:
        self.draft = Draft()
        self.problems: list[tuple[int | None, str]] = []
        self._device_lines: dict[tuple[str, str], int | None] = {}
        self._addresses: dict[tuple[str, str], tuple[str, int | None]] = {}

    def read_csv(self, text: str) -> Draft:
        lines = io.StringIO(text.removeprefix("\ufeff"), newline=None)  # a line ends as any system writes it
        rows = csv.DictReader(lines, restkey="?", strict=True)
        try:
            columns = rows.fieldnames or ()
        except csv.Error as error:
            raise RegistryFileInvalid([(1, str(error))]) from error
        missing = [name for name in _REQUIRED if name not in columns]
        unknown = [str(name)[:64] for name in columns if name not in CSV_COLUMNS]
        if missing or unknown:
            complaints = [f"the column {name} is missing" for name in missing]
            raise RegistryFileInvalid(
                [(1, each) for each in complaints + [f"unknown column {name}" for name in unknown]]
            )
        try:
            for row in rows:
                self._csv_row({key: (value or "").strip() for key, value in row.items() if key != "?"}, rows.line_num)
                if "?" in row:
                    self._problem(rows.line_num, "more fields than columns")
        except csv.Error as error:
            self._problem(rows.line_num, str(error))
        return self._result()

    def _csv_row(self, row: dict[str, str], line: int) -> None:
        institution = self._institution(
            {
                "code": row["institution"], "name": row["institution_name"],
                "name_en": row.get("institution_name_en", ""), "kind": row["institution_kind"],
                "region": row.get("region", ""),
            },
            line,
        )  # fmt: skip
        floor = self._integer(row.get("floor") or "1", "floor", line)
        interval = self._integer(row["report_interval_s"], "report_interval_s", line)
        zone = self._zone(
            institution,
            {
                "code": row["zone"], "name": row["zone_name"], "name_en": row.get("zone_name_en", ""),
                "kind": row["zone_kind"], "floor": floor,
            },
            line,
        )  # fmt: skip
        quantities = [each.strip() for each in re.split(r"[;\s]+", row["quantities"]) if each.strip()]
        self._device(
            institution,
            zone,
            {
                "code": row["device"], "name": row["device_name"], "kind": row["device_kind"],
                "model": row.get("model", ""), "report_interval_s": interval, "quantities": quantities,
                "wear": row.get("wear", ""),
                "installed_on": row.get("installed_on", ""), "test_due_on": row.get("test_due_on", ""),
                **({"address": row["address"]} if "address" in row else {}),
            },
            line,
        )  # fmt: skip

    def _integer(self, text: str, name: str, line: int) -> int:
        try:
            return int(text)
        except ValueError:
            self._problem(line, f"{name}: {text[:32]!r} is not a whole number")
            return 1

    def read_toml(self, text: str) -> Draft:
        try:
            document = toml_text.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RegistryFileInvalid([(line_of(error), str(error))]) from error
        lines = TableLines(text)
        for name in document.keys() - {"institution"}:
            self._problem(None, f"unknown entry {name}; a registry holds [[institution]] tables")
        for record in self._tables(document, "institution", None):
            line = lines.next("institution")
            institution = self._institution(record, line)
            for zone_record in self._tables(record, "zone", line):
                zone_line = lines.next("institution.zone")
                zone = self._zone(institution, zone_record, zone_line)
                for device_record in self._tables(zone_record, "device", zone_line):
                    self._device(institution, zone, device_record, lines.next("institution.zone.device"))
        return self._result()

    def _tables(self, record: Mapping[str, Any], name: str, line: int | None) -> list[dict[str, Any]]:
        found = record.get(name, [])
        if isinstance(found, list) and all(isinstance(each, dict) for each in found):
            return found
        self._problem(line, f"{name} must be written as [[…{name}]] tables")
        return []

    def _institution(self, record: Mapping[str, Any], line: int | None) -> InstitutionDraft:
        record = self._known(record, {"code", "name", "name_en", "kind", "region", "zone"}, line, "institution")
        self._choice(record["kind"], INSTITUTION_KINDS, "institution kind", line)
        draft = InstitutionDraft(
            record["code"], record["name"], record["name_en"], record["kind"], str(record["region"])
        )
        standing = self.draft.institutions.setdefault(draft.code, draft)
        if (standing.name, standing.kind) != (draft.name, draft.kind):
            self._problem(line, f"institution {draft.code} was given another name or kind above")
        return standing

    def _zone(self, institution: InstitutionDraft, record: Mapping[str, Any], line: int | None) -> ZoneDraft:
        record = self._known(record, {"code", "name", "name_en", "kind", "floor", "device"}, line, "zone")
        self._choice(record["kind"], ZONE_KINDS, "zone kind", line)
        floor = record["floor"] if record["floor"] != "" else 1
        if not isinstance(floor, int) or isinstance(floor, bool) or not -9 <= floor <= 99:
            self._problem(line, f"zone {record['code']}: floor must be a whole number from -9 to 99")
            floor = 1
        draft = ZoneDraft(record["code"], record["name"], record["name_en"], record["kind"], floor)
        standing = institution.zones.setdefault(draft.code, draft)
        if (standing.name, standing.kind, standing.floor) != (draft.name, draft.kind, draft.floor):
            self._problem(line, f"zone {institution.code}/{draft.code} was given another name, kind or floor above")
        return standing

    def _device(
        self, institution: InstitutionDraft, zone: ZoneDraft, record: Mapping[str, Any], line: int | None
    ) -> None:
        fields = {"code", "name", "kind", "model", "report_interval_s", "quantities", "wear", "address", *_DATES}
        has_address = "address" in record
        record = self._known(record, fields, line, "device")
        code = record["code"]
        self._choice(record["kind"], DEVICE_KINDS, "device kind", line)
        interval = record["report_interval_s"]
        if not isinstance(interval, int) or isinstance(interval, bool) or not 1 <= interval <= 86_400:
            self._problem(line, f"device {code}: report_interval_s must be from 1 to 86400")
            interval = 1
        quantities = record["quantities"]
        if not isinstance(quantities, list) or not quantities:
            self._problem(line, f"device {code}: quantities must name at least one")
            quantities = []
        for quantity in quantities:
            self._choice(quantity, tuple(QUANTITIES), "quantity", line)
        if len(set(map(str, quantities))) != len(quantities):
            self._problem(line, f"device {code}: a quantity is named twice")
        if record["wear"]:
            self._choice(record["wear"], WEARS, "wear", line)
            if "fall" not in quantities:
                self._problem(line, f"device {code}: what is worn tells of falls, so name the quantity fall")
        installed_on, test_due_on = (self._date(record[name], code, name, line) for name in _DATES)
        if installed_on and test_due_on and test_due_on < installed_on:
            self._problem(line, f"device {code}: test_due_on lies before installed_on")
        key = institution.code, code
        if key in self._device_lines:
            before = self._device_lines[key]
            self._problem(
                line, f"device {code} stands twice in {institution.code}" + (f" (line {before})" if before else "")
            )
        self._device_lines[key] = line
        zone.devices[code] = DeviceDraft(
            code, record["name"], record["kind"], record["model"], interval, tuple(map(str, quantities)),
            record["wear"], self._address(institution, code, record["address"], line) if has_address else None,
            installed_on, test_due_on,
        )  # fmt: skip
        if (zone.devices[code].address or "").startswith(PANEL_PREFIX):
            self._on_panel(zone.devices[code], line)

    def _address(self, institution: InstitutionDraft, code: str, text: str, line: int | None) -> str:
        """What a gateway calls the device. Two may not share it; whether it is another's code is seen at the end."""
        address = plain_address(text)
        if not is_address(address):
            self._problem(
                line, f"device {code}: an address has at most {ADDRESS_LENGTH_MAX} printable characters, and no + or #"
            )
        elif address:
            before = self._addresses.setdefault((institution.code, address), (code, line))
            if before[0] != code:
                self._problem(line, f"device {code}: the address {address} is that of device {before[0]} already")
        return address

    def _date(self, value: object, code: str, name: str, line: int | None) -> date | None:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if value == "":
            return None
        if isinstance(value, str):
            with suppress(ValueError):
                return date.fromisoformat(value)
        self._problem(line, f"device {code}: {name} {str(value)[:32]!r} is not a day, as 2026-11-27 is")
        return None

    def _on_panel(self, device: DeviceDraft, line: int | None) -> None:
        address = device.address or ""
        if not _ON_PANEL.fullmatch(address):
            self._problem(
                line,
                f"device {device.code}: an address on a fire panel is {PANEL_PREFIX} and the transmission device's 12"
                " hex digits, and /system type.system address, of a component with .loop.number",
            )
        elif address.count("/") == 1:
            for missing in (each for each in _PANEL_QUANTITIES if each not in device.quantities):
                self._problem(line, f"device {device.code}: a fire panel needs the quantity {missing}")

    def _known(self, record: Mapping[str, Any], fields: set[str], line: int | None, what: str) -> dict[str, Any]:
        """The record with every text field present; complains of unknown fields, bad codes and texts."""
        for name in record.keys() - fields:
            self._problem(line, f"{what}: unknown field {name}")
        whole = {name: record.get(name, "") for name in fields}
        for name in ("code", "name", "name_en", "kind", "model", "region", "wear", "address"):
            if name in whole and not isinstance(whole[name], str):
                self._problem(line, f"{what}: {name} must be text")
                whole[name] = str(whole[name])
            if len(str(whole.get(name, ""))) > _TEXT_LENGTH_MAX:
                self._problem(line, f"{what}: {name} is longer than {_TEXT_LENGTH_MAX} characters")
        if not _CODE.fullmatch(whole["code"]):
            self._problem(line, f"{what} code {whole['code'][:64]!r}: letters, digits, - and _ only, at most 64")
        if not whole["name"].strip():
            self._problem(line, f"{what} {whole['code'][:64]}: the name is missing")
        return whole

    def _choice(self, value: object, allowed: tuple[str, ...], what: str, line: int | None) -> None:
        if value not in allowed:
            self._problem(line, f"{what} {str(value)[:32]!r} is not one of {', '.join(allowed)}")

    def _problem(self, line: int | None, text: str) -> None:
        self.problems.append((line, text))

    def _result(self) -> Draft:
        for (institution, address), (code, line) in self._addresses.items():
            if (institution, address) in self._device_lines and address != code:
                self._problem(line, f"device {code}: the address {address} is the code of another device")
        if not self.problems and not self.draft.institutions:
            self._problem(None, "the file names no institution")
        if self.problems:
            raise RegistryFileInvalid(self.problems)
        return self.draft


def is_address(text: str) -> bool:
    """Whether a gateway's name of a device can stand in the registry."""
    return len(text) <= ADDRESS_LENGTH_MAX and text.isprintable() and not set(text) & set("+#")


def plain_address(text: str) -> str:
    """An address as gateways write it: an EUI, which labels print in any way, in small letters without separators.

    >>> plain_address("AC-1F-09-FF-FE-0B-12-34"), plain_address(" 厨房 烟感 ")
    ('ac1f09fffe0b1234', '厨房 烟感')
    """
    address = text.strip()
    if address.lower().startswith(PANEL_PREFIX):
        return address.lower()
    return re.sub("[:-]", "", address).lower() if _EUI.fullmatch(address) else address
