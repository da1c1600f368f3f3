"""The pipeline as `anhu serve` runs it, with fire panels, killed as soon as an alarm is to be seen."""

import json
import subprocess
from pathlib import Path

import pytest

from simulators import panel_wire as wire
from simulators.panel import FIRE, Panel
from tests.commands import COMMAND, environment
from tests.integration.world import HOME, World
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

ADDRESS = "790300000000"
PANEL = f"""
[[institution.zone.device]]
code = "fp-1"
name = "火灾报警主机"
kind = "multi"
report_interval_s = 60
quantities = ["fire_alarm", "alive"]
address = "gb26875/{ADDRESS}"
"""


def test_the_pipeline_is_killed_before_it_confirms(world: World, session_url: str, tmp_path: Path) -> None:
    world.register(HOME + PANEL)
    log = tmp_path / "log"
    env = environment(ANHU_DATABASE_URL=world.database_url, ANHU_MQTT_URL=session_url, ANHU_PANEL_PORT="0")

    def listening() -> int:
        lines = [json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
        return next((line["port"] for line in lines if line["event"] == "fire panels are listened to"), 0)

    frame = b""
    for turn in range(2):
        with log.open("wb") as file, subprocess.Popen([*COMMAND, "role", "pipeline"], env=env, stderr=file) as role:
            try:
                port = wait_until(listening, "the role listens")
                with Panel("127.0.0.1", port, ADDRESS) as device:
                    serial, made = device.frame(wire.component_state(40, 2, 77, FIRE, "厨房", device.now()))
                    frame = frame or made  # the same once more
                    device.write(frame)
                    if turn:
                        assert device.reply(serial) == wire.CONFIRM
                    else:
                        wait_until(lambda: world.count("alerts", "kind = 'fire'"), "the alert is raised")
            finally:
                role.kill() if turn == 0 else role.terminate()
                code = role.wait(30)
        assert code == (-9 if turn == 0 else 0)
    assert world.events("fire") == [("raise", "fire.panel")]
