"""The registry: imported as a whole or not at all, again and again, and never taking anything away."""

from pathlib import Path

import psycopg
import pytest

from ingest import store
from ingest.database import connect
from ingest.registry_file import CSV_COLUMNS, DeviceDraft, parse
from tests.commands import anhu, environment
from tests.integration.world import HOME, World

pytestmark = pytest.mark.integration

CSV = ",".join(CSV_COLUMNS) + (
    "\r\nhome-2,和平养老院,Heping,nursing_home,220322,kit,厨房,Kitchen,kitchen,1,smk-1,烟感,smoke,S1,30,"
    "smoke_obscuration;temperature\r\n"
    "home-2,和平养老院,Heping,nursing_home,220322,bed,卧室,,bedroom,-1,co-1,一氧化碳,co,,60,co\r\n"
)


def env_of(world: World) -> dict[str, str]:
    return environment(ANHU_DATABASE_URL=world.database_url, ANHU_MQTT_URL="mqtt://nobody:x@127.0.0.1:1")


def test_a_second_import_adds_and_changes_but_never_removes(world: World) -> None:
    before = world.registry()
    later = HOME.replace("安和养老院", "安和养护院").replace("report_interval_s = 30", "report_interval_s = 60")
    later = later.replace('quantities = ["gas"]', 'quantities = ["co"]')  # a point only ever grows
    world.register(later.replace("bed-sos-1", "bed-sos-2"))
    after = world.registry()
    assert after.version == before.version + 1
    assert {each.name for each in after.institutions.values()} == {"安和养护院"}
    assert {each.code for each in after.devices.values()} == {
        "kit-smk-1", "kit-gas-1", "bed-smk-1", "bed-co-1", "bed-sos-1", "bed-sos-2",
    }  # fmt: skip
    assert set(before.points) < set(after.points)
    gas = after.points_of("home-1", "kit-gas-1")
    assert gas is not None
    assert set(gas) == {"gas", "co"}
    same = {number: device.code for number, device in before.devices.items()}
    assert {number: after.devices[number].code for number in same} == same
    assert next(each for each in after.devices.values() if each.code == "kit-smk-1").report_interval_s == 60


def test_a_file_that_names_no_dates_leaves_those_that_are_known(world: World) -> None:
    dates = 'report_interval_s = 30\ninstalled_on = 2026-05-01\ntest_due_on = "2027-05-01"'
    world.register(HOME.replace("report_interval_s = 30", dates, 1))
    world.register(HOME)
    found = world.rows("SELECT installed_on::text, test_due_on::text FROM devices WHERE code = 'kit-smk-1'")
    assert found == [("2026-05-01", "2027-05-01")]


def test_a_device_moves_to_another_zone(world: World) -> None:
    moved = HOME.replace('code = "kit-gas-1"', 'code = "kit-gas-2"').replace('code = "bed-co-1"', 'code = "kit-gas-1"')
    number = world.rows("SELECT id FROM devices WHERE code = 'kit-gas-1'")
    world.register(moved)
    assert world.rows("SELECT z.code FROM zones z JOIN devices d ON zone_id = z.id WHERE d.code = 'kit-gas-1'") == [
        ("bed-1",)
    ]
    assert world.rows("SELECT id FROM devices WHERE code = 'kit-gas-1'") == number


def test_an_import_that_fails_in_the_database_leaves_nothing(world: World) -> None:
    draft = parse(HOME.replace("home-1", "home-9"), suffix=".toml")
    zone = draft.institutions["home-9"].zones["bed-1"]
    zone.devices["broken"] = DeviceDraft("broken", "x", "toaster", "", 30, ("co",))  # past the file's own checks
    version = world.registry().version
    with connect(world.database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        store.import_registry(connection, draft)
    assert world.count("institutions", "code = 'home-9'") == 0
    assert world.registry().version == version


def test_the_command_imports_csv_and_toml(world: World, tmp_path: Path) -> None:
    (tmp_path / "devices.csv").write_bytes("\ufeff".encode() + CSV.encode())  # as a spreadsheet saves it
    done = anhu("registry", "import", str(tmp_path / "devices.csv"), env=env_of(world))
    assert (done.returncode, "1 institutions with 2 devices" in done.stderr) == (0, True), done.stderr
    (tmp_path / "more.toml").write_text(HOME.replace("home-1", "home-3"), "utf-8")
    done = anhu("registry", "import", str(tmp_path / "more.toml"), env=env_of(world))
    assert (done.returncode, "1 institutions with 5 devices" in done.stderr) == (0, True), done.stderr
    registry = world.registry()
    assert registry.institution_codes == {"home-1", "home-2", "home-3"}
    assert {zone.code: zone.floor for zone in registry.zones.values() if zone.name == "卧室"} == {"bed-1": 2, "bed": -1}
    points = registry.points_of("home-2", "smk-1")
    assert points is not None
    assert set(points) == {"smoke_obscuration", "temperature"}


def test_the_command_says_every_error_with_its_line_and_imports_nothing(world: World, tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_text(CSV.replace("smoke_obscuration;", "smoke;").replace(",60,co", ",soon,co"), "utf-8")
    done = anhu("registry", "import", str(file), env=env_of(world))
    assert done.returncode == 1
    assert "line 2: quantity 'smoke' is not one of" in done.stderr
    assert "line 3: report_interval_s: 'soon' is not a whole number" in done.stderr
    assert "Traceback" not in done.stderr
    assert world.registry().institution_codes == {"home-1"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.csv", None, "No such file"),
        ("latin.csv", "institution,安".encode("gbk"), "can't decode"),
        ("devices.xlsx", b"x", "ends in .csv or .toml"),
        ("binary.toml", bytes(range(32)), "line 1"),
        ("folder.toml", "folder", "Is a directory"),
    ],
)
def test_a_file_that_is_none_is_told_in_words(
    world: World, tmp_path: Path, name: str, content: bytes | str | None, said: str
) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content == "folder":
        (tmp_path / name).mkdir()
    done = anhu("registry", "import", str(tmp_path / name), env=env_of(world))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_not_there_is_told_in_words(world: World, tmp_path: Path) -> None:
    (tmp_path / "devices.csv").write_text(CSV, "utf-8")
    env = env_of(world) | {"ANHU_DATABASE_URL": "postgresql://nobody:secret-word@127.0.0.1:1/x"}
    done = anhu("registry", "import", str(tmp_path / "devices.csv"), env=env)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "secret-word" not in done.stderr


def test_the_columns_command_prints_a_header_the_import_takes(world: World, tmp_path: Path) -> None:
    header = anhu("registry", "columns", env=env_of(world)).stdout
    row = "h,名,,other,,z,区,,office,,d,设,sos,,30,sos\n"
    (tmp_path / "devices.csv").write_text(header + row, "utf-8")
    assert anhu("registry", "check", str(tmp_path / "devices.csv"), env=env_of(world)).returncode == 0
    assert anhu("registry", "import", str(tmp_path / "devices.csv"), env=env_of(world)).returncode == 0
    assert "h" in world.registry().institution_codes
