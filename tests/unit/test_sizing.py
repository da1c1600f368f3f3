"""How large a machine a fleet needs: from the figures of the documentation, and in proportion."""

import re
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from anhu import cli, sizing
from anhu.commands.sizing import told_size
from anhu.sizing import Fleet, need
from ingest.formats import native
from ingest.settings import StorageSettings

DOCS = Path(__file__).parents[2] / "docs"
T_US = 1_790_000_000_000_000


def test_a_device_takes_what_the_page_about_operation_says() -> None:
    text = (DOCS / "operation.md").read_text("utf-8")
    rows = re.findall(r"^\| [^|]+ \| ([\d.]+) MB \|$", text, re.MULTILINE)
    found = need(Fleet(1, 1, 60.0), StorageSettings())
    parts = (found.open_bytes, found.minutes_bytes, found.packed_bytes, found.hours_bytes_per_year)
    assert [float(row) for row in rows] == pytest.approx([part / 1e6 for part in parts], rel=0.06)


def test_the_table_of_sizes_is_what_the_command_says() -> None:
    text = (DOCS / "sizing.md").read_text("utf-8")
    table = re.findall(r"^\| .+ × \d.+ \|$", text, re.MULTILINE)
    assert len(table) == 4
    for line in table:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        institutions, devices, interval = re.findall(r"[\d.]+", cells[1])
        found = need(Fleet(int(institutions), int(devices), float(interval)), StorageSettings())
        assert cells[2:7] == [
            f"{found.messages_per_s:,.0f}",
            str(found.cores),
            told_size(found.memory_bytes),
            told_size(found.disk_bytes),
            f"{found.wire_bytes_per_s * 8 / 1e6:,.2f} Mbit/s",
        ], cells[0]


def test_the_figures_are_those_of_the_benchmarks_page() -> None:
    text = (DOCS / "benchmarks.md").read_text("utf-8")
    [most] = re.findall(r"`ingest.messages_per_s`, of the bare pipe; `loss.messages` \| ([\d,]+);", text)
    assert pytest.approx(int(most.replace(",", "")) / 2, rel=0.02) == sizing.MESSAGES_PER_CORE_S
    assert f"| {sizing.CLOSED_BYTES_PER_READING}, {sizing.OPEN_BYTES_PER_READING:.0f} | 8 |" in text
    [mib] = re.findall(r"`registered.pipeline_mib` with 100,000 devices \| [\d.]+, (\d+) \|", text)
    assert pytest.approx(int(mib) / 100, rel=0.02) == sizing.MIB_PER_1000_DEVICES


def test_a_message_is_no_larger_on_the_wire_than_is_reckoned_with() -> None:
    payload = native.encode(T_US, {"smoke_obscuration": 0.0123, "temperature": 23.456, "co": 12.34})
    topic = "anhu/v1/hangzhou-yuhang-0001/kitchen-smoke-01/readings"
    mqtt, tls, tcp_ip, acknowledgement = 7, 29, 52, 52 + 29 + 5
    whole = len(payload) + len(topic) + mqtt + tls + tcp_ip + acknowledgement
    assert 0.6 * sizing.WIRE_BYTES_PER_MESSAGE < whole <= sizing.WIRE_BYTES_PER_MESSAGE


@given(st.integers(1, 2000), st.integers(1, 500), st.floats(1, 86_400), st.integers(1, 20))
def test_twice_the_fleet_needs_at_most_twice_and_less_often_never_more(
    institutions: int, devices: int, interval_s: float, readings: int
) -> None:
    storage = StorageSettings()
    once = need(Fleet(institutions, devices, interval_s, readings), storage)
    twice = need(Fleet(2 * institutions, devices, interval_s, readings), storage)
    rarer = need(Fleet(institutions, devices, 2 * interval_s, readings), storage)
    assert twice.disk_bytes == pytest.approx(2 * once.disk_bytes)
    assert all(one <= two <= 2 * one * (1 + 1e-9) for one, two in zip(astuple(once), astuple(twice), strict=True))
    assert all(less <= more for less, more in zip(astuple(rarer), astuple(once), strict=True))


@pytest.mark.parametrize(
    "wrong", [(0, 1, 1.0, 1), (1, 0, 1.0, 1), (1, 1, 0.0, 1), (1, 1, float("nan"), 1), (1, 1, 1.0, 0)]
)
def test_no_fleet_is_told(wrong: tuple[int, int, float, int]) -> None:
    with pytest.raises(ValueError, match="a fleet has"):
        Fleet(*wrong)


def test_the_command_prints_it_under_the_settings_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    words = ["sizing", "--institutions", "50", "--devices", "60", "--interval-s", "30"]
    told = CliRunner().invoke(cli.app, words)
    assert told.exit_code == 0, told.output
    assert re.search(r"messages/s +100\.0\n", told.output)
    monkeypatch.setenv("ANHU_STORAGE_RAW_DAYS", "800")
    longer = CliRunner().invoke(cli.app, words).output
    sizes = [float(re.findall(r"packed.+?([\d.]+) GB", output)[0]) for output in (told.output, longer)]
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=0.01)
