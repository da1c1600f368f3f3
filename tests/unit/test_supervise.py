"""Silence: a lost device is one alert, a silent institution is one alert and not a hundred."""

from .engine_world import feed, pass_time, point, readings, state


def everyone(seconds, devices=range(1, 11)):
    return readings(*[(point(device, "temperature"), seconds, 20) for device in devices])


def offline(events):
    return [event for event in events if event[1] and event[1].startswith("supervision")]


def run(engine, start, end, reporting=None, *, every=10, listening=True):
    """Ticks each second, with a report of `reporting` every `every` seconds."""
    events = []
    for second in range(start, end):
        if reporting is not None and second % every == 0:
            events += feed(engine, everyone(second, reporting))
        events += pass_time(engine, second, listening=listening)
    return offline(events)


def test_a_lost_device_is_said_once_and_comes_back():
    engine = state(10)
    assert run(engine, 0, 60, range(1, 11)) == []
    events = run(engine, 60, 400, range(2, 11))
    assert [event[:2] for event in events] == [("raise", "supervision.offline")]
    assert 50.1 + 290 < events[0][2] <= 50.1 + 292
    events = run(engine, 400, 420, range(1, 11))
    assert [event[:2] for event in events] == [("clear", "supervision.offline")]


def test_two_lost_reports_and_some_jitter_are_no_lost_device_but_three_are():
    def heard_at(*seconds):
        """Device 1 at these seconds, the others every minute."""
        engine, events = state(10, interval_s=120), []
        for second in range(700):
            if second in seconds:
                events += feed(engine, everyone(second, [1]))
            if second % 60 == 0:
                events += feed(engine, everyone(second, range(2, 11)))
            events += pass_time(engine, second)
        return [(event[0], round(event[2])) for event in offline(events)]

    assert heard_at(0, 120, 481, 600) == []  # a second late, after two that were lost
    assert heard_at(0, 120, 600) == [("raise", 541), ("clear", 600)]


def test_a_silent_institution_is_one_alert():
    engine = state(10)
    run(engine, 0, 60, range(1, 11))
    assert [event[:2] for event in run(engine, 60, 600)] == [("raise", "supervision.institution")]
    # Its devices come back one after the other: nobody is called lost meanwhile.
    events = run(engine, 600, 640, [1])
    events += run(engine, 640, 680, range(1, 11))
    assert [event[:2] for event in events] == [("clear", "supervision.institution")]


def test_a_device_that_stays_away_after_its_institution_came_back_is_lost():
    engine = state(10)
    run(engine, 0, 60, range(1, 11))
    run(engine, 60, 300)
    events = run(engine, 300, 700, range(2, 11))
    assert [event[:2] for event in events] == [
        ("clear", "supervision.institution"),
        ("raise", "supervision.offline"),
    ]


def test_what_never_reported_is_not_lost():
    assert run(state(10), 0, 600) == []
    engine = state(10)
    assert run(engine, 0, 600, range(1, 9)) == []


def test_while_we_are_deaf_nobody_is_lost():
    engine = state(10)
    run(engine, 0, 60, range(1, 11))
    assert run(engine, 60, 600, listening=False) == []
    assert run(engine, 600, 640) == []  # and they get their time anew
    assert run(engine, 640, 700) != []


def test_a_late_reading_shows_that_the_device_lives():
    engine = state(10)
    run(engine, 0, 60, range(1, 11))
    events = []
    for second in range(60, 500):
        events += feed(engine, everyone(second, range(2, 11)))
        if second % 30 == 0:  # an hour old, from a gateway's buffer
            events += feed(engine, readings((point(1, "temperature"), second - 3600, 20), delay_s=3600))
        events += pass_time(engine, second)
    assert offline(events) == []


def test_a_clock_that_is_set_back_puts_nobodys_loss_off():
    engine = state(10)
    run(engine, 3600, 3660, range(1, 11))
    events = run(engine, 60, 400, range(2, 11))  # an hour earlier: device 1 is heard no more
    assert [event[:2] for event in events] == [("raise", "supervision.offline")]
    assert 60 + 290 < events[0][2] <= 60 + 292
