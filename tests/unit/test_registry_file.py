"""Registry files: every error with its right line, and nothing taken over with one."""

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import RegistryFileInvalid
from ingest.registry_file import CSV_COLUMNS, parse

HEADER = ",".join(CSV_COLUMNS)
GOOD = {
    "institution": "home-1", "institution_name": "安和", "institution_name_en": "Anhe",
    "institution_kind": "nursing_home", "region": "220322", "zone": "kit", "zone_name": "厨房",
    "zone_name_en": "Kitchen", "zone_kind": "kitchen", "floor": "2", "device": "smk-1", "device_name": "烟感",
    "device_kind": "smoke", "model": "S1", "report_interval_s": "30", "quantities": "smoke_obscuration; temperature",
    "wear": "", "address": "", "installed_on": "", "test_due_on": "",
}  # fmt: skip
TOML = """
[[institution]]
code = "home-1"
name = "安和"
kind = "nursing_home"

[[institution.zone]]
code = "kit"
name = "厨房"
kind = "kitchen"

  [[institution.zone.device]]
  code = "smk-1"
  name = "烟感"
  kind = "smoke"
  report_interval_s = 30
  quantities = ["smoke_obscuration"]

  [[ institution . zone . device ]]
  code = "smk-2"
  name = "烟感"
  kind = "smoke"
  report_interval_s = 30
  quantities = ["smoke_obscuration"]
"""


def row(**changed: str) -> str:
    """A line of CSV."""
    text = io.StringIO()
    csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n").writerow(GOOD | changed)
    return text.getvalue().removesuffix("\n")


def problems(text: str, suffix: str = ".csv") -> list[tuple[int | None, str]]:
    with pytest.raises(RegistryFileInvalid) as caught:
        parse(text, suffix=suffix)
    return caught.value.problems


def sheet(*rows: str) -> str:
    return "\n".join((HEADER, *rows)) + "\n"


def test_a_sheet_is_read_whole() -> None:
    draft = parse(
        sheet(row(), row(device="smk-2", quantities="co"), row(zone="bed", floor="", device="x")), suffix=".csv"
    )
    home = draft.institutions["home-1"]
    assert (home.name, home.name_en, home.kind, home.region) == ("安和", "Anhe", "nursing_home", "220322")
    assert [(zone.code, zone.floor, list(zone.devices)) for zone in home.zones.values()] == [
        ("kit", 2, ["smk-1", "smk-2"]), ("bed", 1, ["x"]),
    ]  # fmt: skip
    device = home.zones["kit"].devices["smk-1"]
    assert (device.model, device.report_interval_s, device.quantities) == (
        "S1",
        30,
        ("smoke_obscuration", "temperature"),
    )
    assert draft.device_count == 3


def test_a_device_that_is_worn_tells_of_falls() -> None:
    draft = parse(sheet(row(), row(device="watch-1", quantities="fall;battery", wear="wrist")), suffix=".csv")
    assert [each.wear for each in draft.institutions["home-1"].zones["kit"].devices.values()] == ["", "wrist"]
    (told,) = problems(sheet(row(), row(device="watch-1", wear="waist")))
    assert (told[0], "fall" in told[1]) == (3, True)
    (told,) = problems(sheet(row(quantities="fall", wear="ankle")))
    assert "waist, wrist, pocket" in told[1]
    worn = TOML.replace('quantities = ["smoke_obscuration"]', 'quantities = ["fall"]\n  wear = "pocket"', 1)
    devices = parse(worn, suffix=".toml").institutions["home-1"].zones["kit"].devices
    assert {code: each.wear for code, each in devices.items()} == {"smk-1": "pocket", "smk-2": ""}


def test_dates_of_a_device_in_both_forms() -> None:
    written = sheet(row(installed_on="2026-05-01", test_due_on="2027-05-01"), row(device="smk-2"))
    devices = parse(written, suffix=".csv").institutions["home-1"].zones["kit"].devices
    dates = {code: (each.installed_on, each.test_due_on) for code, each in devices.items()}
    assert dates == {"smk-1": (date(2026, 5, 1), date(2027, 5, 1)), "smk-2": (None, None)}
    for day in ("2026-05-01", '"2026-05-01"'):
        named = TOML.replace("report_interval_s = 30", f"report_interval_s = 30\n  installed_on = {day}", 1)
        (device, _) = parse(named, suffix=".toml").institutions["home-1"].zones["kit"].devices.values()
        assert (device.installed_on, device.test_due_on) == (date(2026, 5, 1), None)
    for wrong, said in (
        ({"installed_on": "1.5.2026"}, "installed_on '1.5.2026' is not a day"),
        ({"test_due_on": "2026-02-30"}, "test_due_on '2026-02-30' is not a day"),
        ({"installed_on": "2026-05-01", "test_due_on": "2026-04-30"}, "lies before installed_on"),
    ):
        (told,) = problems(sheet(row(), row(device="smk-2", **wrong)))
        assert told[0] == 3
        assert said in told[1]
    moment = TOML.replace("report_interval_s = 30", "report_interval_s = 30\n  test_due_on = 2026-05-01T08:00:00Z", 1)
    assert [line for line, _ in problems(moment, ".toml")] == [12]


def test_a_device_has_the_address_its_gateway_calls_it_by() -> None:
    text = sheet(row(address="厨房 烟感"), row(device="smk-2", address="00:15:8D:00:01:DC:12:6A"))
    devices = parse(text, suffix=".csv").institutions["home-1"].zones["kit"].devices
    assert {code: each.address for code, each in devices.items()} == {"smk-1": "厨房 烟感", "smk-2": "00158d0001dc126a"}
    assert parse(sheet(row()), suffix=".csv").institutions["home-1"].zones["kit"].devices["smk-1"].address == ""
    silent = parse(TOML, suffix=".toml").institutions["home-1"].zones["kit"].devices["smk-1"]
    assert silent.address is None  # a file that says nothing of it changes nothing
    (told,) = problems(sheet(row(address="a b"), row(device="smk-2", address="a b")))
    assert told == (3, "device smk-2: the address a b is that of device smk-1 already")
    (told,) = problems(sheet(row(address="smk-2"), row(device="smk-2")))
    assert told == (2, "device smk-1: the address smk-2 is the code of another device")
    for bad in ("a/#", "+", "x" * 129, "a\tb"):
        (told,) = problems(sheet(row(address=bad)))
        assert "an address has at most 128 printable characters" in told[1]


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_as_a_spreadsheet_saves_it(mark: str, end: str) -> None:
    assert parse(mark + sheet(row()).replace("\n", end), suffix=".csv").device_count == 1


def test_optional_columns_may_be_left_out_and_columns_stand_in_any_order() -> None:
    names = [
        name
        for name in reversed(CSV_COLUMNS)
        if name not in ("institution_name_en", "region", "zone_name_en", "floor", "model")
    ]
    text = ",".join(names) + "\n" + ",".join(GOOD[name] for name in names) + "\n"
    assert parse(text, suffix=".csv").institutions["home-1"].zones["kit"].floor == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"institution": "安和"}, "institution code"),
        ({"institution": "a" * 65}, "at most 64"),
        ({"institution": ""}, "institution code ''"),
        ({"zone": "-kit"}, "zone code"),
        ({"device": "a/b"}, "device code"),
        ({"device": "a" * 100_000}, "device code"),
        ({"institution_name": " "}, "the name is missing"),
        ({"zone_name": ""}, "the name is missing"),
        ({"device_name": ""}, "the name is missing"),
        ({"device_name": "长" * 201}, "longer than 200"),
        ({"model": "m" * 201}, "longer than 200"),
        ({"institution_kind": "prison"}, "institution kind 'prison' is not one of"),
        ({"zone_kind": "moon"}, "zone kind"),
        ({"device_kind": "toaster"}, "device kind"),
        ({"floor": "one"}, "'one' is not a whole number"),
        ({"floor": "100"}, "floor must be"),
        ({"report_interval_s": "0"}, "report_interval_s must be"),
        ({"report_interval_s": "86401"}, "report_interval_s must be"),
        ({"report_interval_s": "1.5"}, "not a whole number"),
        ({"report_interval_s": ""}, "not a whole number"),
        ({"quantities": ""}, "must name at least one"),
        ({"quantities": "smoke_obscuration;smoke_obscuration"}, "named twice"),
        ({"quantities": "smoke"}, "quantity 'smoke' is not one of"),
        ({"address": "gb26875/79030000000"}, "an address on a fire panel is gb26875/"),
        ({"address": "gb26875/790300000000/1.1.2"}, "an address on a fire panel is gb26875/"),
        ({"address": "gb26875/790300000000", "quantities": "alive"}, "a fire panel needs the quantity fire_alarm"),
        ({"address": "gb26875/790300000000", "quantities": "fire_alarm"}, "a fire panel needs the quantity alive"),
    ],
)
def test_an_error_is_told_with_its_line(changed: dict[str, str], said: str) -> None:
    found = problems(sheet(row(device="fine"), row(**changed), row(device="fine-too")))
    assert [line for line, _ in found] == [3] * len(found)
    assert any(said in text for _, text in found), found
    assert all(len(text) < 400 for _, text in found)


def test_a_cell_of_several_lines_does_not_shift_the_lines_after_it() -> None:
    found = problems(sheet(row(), row(device="b", device_name="two\nlines"), row(device="c", floor="x")))
    assert {line for line, _ in found} == {5}


def test_every_error_is_told_at_once() -> None:
    found = problems(sheet(row(zone_kind="x", device_kind="y"), row(), row(floor="z")))
    assert [line for line, _ in found][:2] == [2, 2]
    assert {line for line, _ in found} == {2, 3, 4}  # line 3 names the device of line 2 again


def test_a_device_stands_once_in_its_home() -> None:
    other = row(zone="bed", zone_name="卧室", zone_kind="bedroom")
    assert problems(sheet(row(), other)) == [(3, "device smk-1 stands twice in home-1 (line 2)")]
    parse(sheet(row(), row(institution="home-2")), suffix=".csv")


@pytest.mark.parametrize(
    "changed",
    [{"institution_name": "别的"}, {"institution_kind": "other"}, {"zone_name": "别的"}, {"zone_kind": "office"},
     {"floor": "3"}],
)  # fmt: skip
def test_lines_must_not_contradict_each_other(changed: dict[str, str]) -> None:
    ((line, text),) = problems(sheet(row(), row(device="b", **changed)))
    assert line == 3
    assert "was given another" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the column institution is missing"),
        ("\n\n", "the column institution is missing"),
        (HEADER, "names no institution"),
        (sheet(row()).replace("zone_kind", "zone_sort"), "the column zone_kind is missing"),
        (sheet(row()).replace("zone_kind", "zone_sort"), "unknown column zone_sort"),
        (sheet(row() + ",more"), "more fields than columns"),
        (sheet('"home'), "unexpected end of data"),
        (sheet("home-1,安和"), "zone code"),
    ],
)
def test_what_is_no_sheet(text: str, said: str) -> None:
    assert any(said in told for _, told in problems(text))


def test_toml_is_read_whole() -> None:
    draft = parse(TOML, suffix=".toml")
    zone = draft.institutions["home-1"].zones["kit"]
    assert (zone.floor, list(zone.devices)) == (1, ["smk-1", "smk-2"])


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ('kind = "nursing_home"', 'kind = "prison"', 2, "institution kind"),
        ('kind = "kitchen"', 'kind = "kitchen"\nfloor = true', 7, "floor"),
        ('kind = "kitchen"', 'kind = "kitchen"\nfloor = 1.5', 7, "floor"),
        ('name = "安和"', "name = 5", 2, "name must be text"),
        ('code = "smk-2"', 'code = "smk-1"', 19, "stands twice in home-1 (line 12)"),
        ('code = "smk-2"', 'code = "smk-2"\n  colour = "red"', 19, "unknown field colour"),
        ('code = "smk-1"', "", 12, "device code ''"),
        ('code = "smk-1"', "code = [1]", 12, "code must be text"),
        ("report_interval_s = 30", "report_interval_s = true", 12, "report_interval_s"),
        ('["smoke_obscuration"]', '"smoke_obscuration"', 12, "at least one"),
        ('["smoke_obscuration"]', "[[]]", 12, "quantity"),
        ('["smoke_obscuration"]', '[{x = "co"}]', 12, "quantity"),
        ("[[institution.zone]]", "[institution.zone]", 2, "[[…zone]] tables"),
        ('name = "厨房"', "name = 厨房", 9, "line 9"),
        ("[[institution]]", "title = 1\n[[institution]]", None, "unknown entry title"),
    ],
)  # fmt: skip
def test_an_error_in_toml_is_told_with_its_table(before: str, after: str, line: int | None, said: str) -> None:
    found = problems(TOML.replace(before, after, 1), ".toml")
    assert any(said in text and (line is None or at == line) for at, text in found), found


def test_lines_are_right_beside_headers_in_texts_and_comments() -> None:
    tricky = TOML.replace('name = "厨房"', 'name = "厨房"\nname_en = """\n[[institution.zone.device]]\n"""', 1)
    tricky = tricky.replace('code = "home-1"', '# [[institution.zone.device]] is below\ncode = "home-1"', 1)
    tricky = tricky.replace('code = "smk-2"', 'code = "smk 2"')
    ((line, _),) = problems(tricky, ".toml")
    assert tricky.split("\n")[line - 1].strip() == "[[ institution . zone . device ]]"


def test_inline_tables_have_no_line_and_are_read() -> None:
    inline = (
        'institution = [{code = "a", name = "a", kind = "other", zone = [{code = "z", name = "z", kind = "other", '
        'device = [{code = "d", name = "d", kind = "co", report_interval_s = 5, quantities = ["QUANTITY"]}]}]}]'
    )
    assert parse(inline.replace("QUANTITY", "co"), suffix=".toml").device_count == 1
    assert problems(inline, ".toml")[0][0] is None


@pytest.mark.parametrize("suffix", [".xlsx", ".json", ""])
def test_other_files_are_not_read(suffix: str) -> None:
    assert "ends in .csv or .toml" in problems("x", suffix)[0][1]


@given(st.text(max_size=300), st.sampled_from([".csv", ".toml"]))
def test_no_text_makes_it_fail_otherwise(text: str, suffix: str) -> None:
    for prefix in ("", HEADER + "\n", "[[institution]]\n"):
        with pytest.raises(RegistryFileInvalid) as caught:
            parse(prefix + text, suffix=suffix)
        assert caught.value.problems


@given(st.lists(st.text(max_size=12), min_size=16, max_size=16))
def test_no_row_makes_it_fail_otherwise(cells: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    with pytest.raises(RegistryFileInvalid):
        parse(HEADER + "\n" + text.getvalue(), suffix=".csv")


def test_addresses_on_a_fire_panel() -> None:
    panel = row(device="fp", address="GB26875/7903000000AB", quantities="fire_alarm;alive;fault")
    behind = row(device="smk-10", address="gb26875/7903000000ab/1.1.2.10", quantities="smoke_alarm")
    system = row(device="pump", address="gb26875/7903000000ab/11.1", quantities="fault")
    mac = row(device="tuya", address="7903000000AB")  # what a gateway calls a device may look like one
    devices = parse(sheet(panel, behind, system, mac), suffix=".csv").institutions["home-1"].zones["kit"].devices
    assert [each.address for each in devices.values()] == [
        "gb26875/7903000000ab", "gb26875/7903000000ab/1.1.2.10", "gb26875/7903000000ab/11.1", "7903000000AB",
    ]  # fmt: skip
