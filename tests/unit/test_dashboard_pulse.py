"""The intake's pulse: who is silent, and how many readings came in the last minute."""

from datetime import UTC, datetime, timedelta

from dashboard.pulse import Pulse
from ingest.history import Heartbeat
from ingest.reading import to_us

T0 = datetime(2026, 11, 22, tzinfo=UTC)


def beat(readings, *, age_s=0.5, started_at=T0, shard=0):
    return Heartbeat(shard, T0 + timedelta(hours=1), started_at, age_s, 0, readings, 0, 0, 5)


def test_alive_means_that_every_pipeline_spoke_lately():
    pulse = Pulse(10)
    assert not pulse.alive(0.0, T0)
    pulse.note([], 0.0)
    assert not pulse.alive(0.0, T0)
    pulse.note([beat(0, age_s=4)], 0.0)
    assert pulse.alive(5.9, T0)
    assert not pulse.alive(6.1, T0)
    pulse.note([beat(0, age_s=0), beat(0, age_s=11, shard=1)], 7.0)
    assert not pulse.alive(7.0, T0)


def test_the_last_minute_is_counted_past_restarts():
    pulse = Pulse(10)
    assert pulse.readings_last_minute() == 0
    for second in range(0, 130, 2):
        pulse.note([beat(1000 + 100 * second)], second)
    assert pulse.readings_last_minute() == 6000
    pulse.note([beat(40, started_at=T0 + timedelta(minutes=5))], 130)  # a new process counts from zero
    assert pulse.readings_last_minute() == 100 * 128 - 100 * 70 + 40
    pulse.note([beat(40, started_at=T0 + timedelta(minutes=5))], 300)
    assert pulse.readings_last_minute() == 0


def test_while_the_database_is_away_the_beat_in_the_spool_counts():
    pulse = Pulse(10)
    pulse.note_beat(to_us(T0))
    assert pulse.alive(1000.0, T0 + timedelta(seconds=9))
    assert not pulse.alive(1000.0, T0 + timedelta(seconds=11))
