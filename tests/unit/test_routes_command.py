"""`anhu routes`: an installer's messages, tried before they are sent."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from anhu import cli

FILE = """
[[route]]
topic = "zigbee2mqtt/{device}"
format = "zigbee2mqtt"
institution = "home-1"
names = { alarm_state = "smoke_alarm" }
[[route]]
topic = "zigbee2mqtt/bridge/#"
format = "ignore"
"""
WINDOW = '{"measured_at": %d, "rate_hz": 50, "range_g": 16, "unit": "g", "samples": [[0, 0, 1]]}'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    path = tmp_path / "routes.toml"
    path.write_text(FILE)
    return path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["routes", *arguments], terminal_width=200, env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_a_message_is_tried(file: Path) -> None:
    code, told = run(
        "try", "zigbee2mqtt/厨房 烟感", '{"alarm_state": "alarm", "temperature": -200}', "--routes", str(file)
    )
    assert code == 0
    assert "format zigbee2mqtt, institution home-1, device 厨房 烟感" in told
    smoke, heat = (line for line in told.splitlines() if "_alarm" in line or "temperature" in line)
    assert [cell.strip() for cell in smoke.split("│")][1:4] == ["厨房 烟感", "smoke_alarm", "1"]
    assert "-200 Cel" in heat
    assert "not judged" in heat


def test_the_routes_of_the_service_are_the_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = run("try", "zigbee2mqtt/x", '{"smoke": true}')
    assert (code, "No route is for this topic" in told, "topic_unknown" in told) == (1, True, True)
    monkeypatch.setenv("ANHU_PIPELINE_ROUTES", str(file))
    assert run("try", "zigbee2mqtt/x", '{"smoke": true}')[0] == 0


def test_what_is_refused_is_told_with_its_reason(file: Path) -> None:
    code, told = run("try", "anhu/v1/h/d/readings", '{"values": {"smell": 1, "temperature": "hot", "co": 3}}')
    assert code == 0
    assert "refused quantity_unknown: smell" in told
    assert "refused bad_type: temperature" in told
    code, told = run("try", "anhu/v1/h/d/readings", '{"values": {"co": 3}}', "--retained")
    assert (code, "refused retained_undated" in told) == (1, True)
    code, told = run("try", "anhu/v1/h/drill", "{}")
    assert (code, "refused drill_refused" in told) == (1, True)
    code, told = run("try", "zigbee2mqtt/bridge/state", "online", "--routes", str(file))
    assert (code, "holds no reading" in told) == (1, True)


def test_a_payload_may_be_a_file_or_hexadecimal(file: Path, tmp_path: Path) -> None:
    body = '[{"n": "d1/co", "v": 4}]'
    (tmp_path / "body").write_text(body)
    (tmp_path / "hex").write_text(body.encode().hex() + "\n")
    topic = "anhu/v1/home-1/senml"
    for arguments in ((f"@{tmp_path}/body",), (body.encode().hex(), "--hex"), (f"@{tmp_path}/hex", "--hex")):
        code, told = run("try", topic, *arguments)
        assert (code, "4 ppm" in told) == (0, True), arguments
    for arguments in ((f"@{tmp_path}/none",), ("xyz", "--hex")):
        code, told = run("try", topic, *arguments)
        assert (code, arguments[0] in told, "Traceback" in told) == (1, True, False)


def test_windows_are_counted(file: Path) -> None:
    code, told = run("try", "anhu/v1/h/watch/acceleration", WINDOW % 1)
    assert (code, "refused ancient" in told) == (1, True)
    code, told = run("try", "anhu/v1/h/watch/acceleration", WINDOW.replace("%d", '"2026-01-01T00:00:00"'))
    assert (code, "refused bad_time" in told) == (1, True)


def test_a_file_is_checked(file: Path) -> None:
    code, told = run("check", str(file))
    assert code == 0
    assert "alarm_state → smoke_alarm" in told
    assert "subscribed: anhu/v1/#  zigbee2mqtt/+  zigbee2mqtt/bridge/#" in told
    file.write_text(FILE.replace('"ignore"', '"ignored"') + "[[route]]\n")
    code, told = run("check", str(file))
    assert code == 1
    assert "line 7: route 2: format 'ignored' is not one of" in told
    assert "line 10: route 3: topic: a topic has from 1 to 256 characters" in told
