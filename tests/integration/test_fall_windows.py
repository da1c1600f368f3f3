"""A wearable's windows of acceleration: over the broker, through the pipeline, into the event log."""

from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import pytest

from anhu.roles import now_us
from ingest.formats import acceleration
from tests.integration.world import HOME, Devices, S, World, pipeline
from tests.unit.test_fall import AT, RATE, falling

pytestmark = pytest.mark.integration

WORN = """
[[institution.zone.device]]
code = "watch-1"
name = "王奶奶的腰带"
kind = "fall"
report_interval_s = 60
quantities = ["fall", "battery"]
wear = "waist"
[[institution.zone.device]]
code = "watch-2"
name = "没有登记佩戴部位的手环"
kind = "fall"
report_interval_s = 60
quantities = ["fall"]
"""


def test_somebody_falls_and_a_bad_window_stops_nobody(world: World, session_url: str) -> None:
    world.register(HOME + WORN)
    stream, begun = falling(), now_us() - 20 * S
    window = acceleration.encode(begun, RATE, 16, stream[:200])
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.say("anhu/v1/home-1/watch-2/acceleration", window)
        devices.say("anhu/v1/home-1/watch-1/acceleration", orjson.dumps({**orjson.loads(window), "unit": "g"}))
        devices.say("anhu/v1/home-1/watch-9/acceleration", window)
        for second in range(20):
            part = stream[second * 200 : second * 200 + 200]
            payload = acceleration.encode(begun + second * S, RATE, 16, part)
            devices.say("anhu/v1/home-1/watch-1/acceleration", payload)
            if second == 5:
                devices.say("anhu/v1/home-1/watch-1/acceleration", payload)  # the broker's right at QoS 1
        running.took(24)
    assert world.events("fall") == [("raise", "fall.device")]
    (alert,) = world.alerts("fall")
    assert alert["priority"] == "high"
    shown = alert["evidence"]["acceleration"]
    hit = datetime.fromtimestamp(begun / 1e6 + AT, UTC)
    assert abs(datetime.fromisoformat(shown["impact_at"]) - hit) < timedelta(seconds=0.6)
    assert (shown["wear"], np.argmax(shown["high_g"])) == ("waist", 100)
    # No sample is a row: one says that somebody fell, and one before it that the device lives, if packs came before.
    *before, (fell, alarm) = world.readings("watch-1", "fall")
    assert alarm == 1.0
    assert [value for _, value in before] in ([], [0.0])
    assert timedelta(seconds=3) < fell - hit < timedelta(seconds=5)
    assert world.count("readings") == len(before) + 1
    assert world.reasons() == {"wear_unknown": 1, "beyond_range": 1}
    assert world.rows("SELECT device, reason FROM unclaimed_devices") == [("watch-9", "device_unknown")]
