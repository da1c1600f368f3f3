"""Fire panels over TCP: the simulator, which knows only the standard's tables, against the real listener, pipeline and
database. One database for the whole module; each test has a transmission device of its own."""

import random
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from click.testing import Result
from typer.testing import CliRunner

from alerting.rules import default_rules
from alerting.rules import parse as parse_rules
from anhu import cli, runtime
from anhu.commands import panel as panel_command
from ingest import panel, panel_store, store
from ingest.database import connect, of_server
from ingest.errors import RegistryFileInvalid
from ingest.registry_file import parse
from ingest.settings import PanelSettings
from simulators import panel_wire as wire
from simulators.errors import PanelRefused
from simulators.panel import FIRE, NORMAL, RESET, Panel
from tests.commands import environment
from tests.conftest import drop_database, make_database
from tests.integration.panel_world import REGISTRY, Centre, running
from tests.integration.world import begin_session, end_session
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def centre(services: runtime.Services, template_database: str) -> Iterator[Centre]:
    name = "anhu_test_panels"
    make_database(services.database_url, name, template_database)
    url, mqtt_url = of_server(services.database_url, name), services.mqtt_url
    begin_session(mqtt_url)
    centre = Centre(url, REGISTRY)
    centre.held = threading.Event()
    centre.settings = PanelSettings(port=0, idle_s_max=30, frame_s_max=0.3, introduction_s_max=1.0, connections_max=20)
    with running(centre, mqtt_url):
        yield centre
    end_session(mqtt_url)
    drop_database(services.database_url, name)


def test_a_smoke_detectors_alarm_is_an_alert_in_its_own_zone_before_it_is_confirmed(centre: Centre) -> None:
    address = centre.device()
    with centre.panel(address) as device:
        device.component(2, 10, FIRE, "三层东侧走廊")  # returns when it is confirmed
        assert centre.raised(address) == [
            (f"smk-{address[-2:]}", "fire.smoke.contact", "消防主机报火警：感烟火灾探测器 2 回路 10 号，三层东侧走廊")
        ]
        device.component(2, 77, FIRE, "厨房")  # not registered: the panel's own alert names it
        assert centre.raised(address)[1:] == [
            (f"fp-{address[-2:]}", "fire.panel", "消防主机报火警：感烟火灾探测器 2 回路 77 号，厨房")
        ]
        device.component(2, 78, FIRE, "二层")  # another one, while that alert stands
        device.component(2, 78, FIRE, "二层")
        assert centre.raised(address)[2:] == [
            (f"fp-{address[-2:]}", "fire.panel/1.1.2.78", "消防主机报火警：感烟火灾探测器 2 回路 78 号，二层")
        ]
        device.component(2, 77, NORMAL)
        device.send(wire.operation(RESET, 1, device.now()))
    assert [value for _, value in centre.readings(f"fp-{address[-2:]}", "fire_alarm")] == [1, 1, 1, 0]
    said = centre.rows(
        "SELECT type_flag, place, component_type, states, description FROM panel_reports WHERE address = %s ORDER BY"
        " received_at, nth", address,
    )  # fmt: skip
    assert said == [
        (2, "1.1.2.10", 40, ["fire"], "三层东侧走廊"), (2, "1.1.2.77", 40, ["fire"], "厨房"),
        (2, "1.1.2.78", 40, ["fire"], "二层"), (2, "1.1.2.78", 40, ["fire"], "二层"),
        (2, "1.1.2.77", 40, ["normal"], ""), (4, "1.1", None, ["reset"], ""),
    ]  # fmt: skip
    assert centre.rows(
        "SELECT reason, message_count FROM unclaimed_devices WHERE device = %s", f"gb26875/{address}/1.1.2.77"
    ) == [("device_unknown", 2)]


def test_what_the_panel_has_named_is_registered_in_one_step(centre: Centre) -> None:
    address = centre.device()
    with centre.panel(address) as device:
        device.component(2, 10, NORMAL, "已登记")
        device.component(3, 5, NORMAL, "二层活动室", kind=30)
        device.component(3, 5, NORMAL, kind=30)
        device.component(2, 9, NORMAL)
        sheet = run(centre, "draft", address).stdout
        with connect(centre.database_url) as connection:
            store.import_registry(connection, parse(sheet, suffix=".csv"))
        assert run(centre, "draft", address).stdout.count("\n") == 1
        wait_until(lambda: centre.pipe.registry.on_panel(f"{address}/1.1.3.5"), "the pipeline knows them")
        device.component(3, 5, FIRE, kind=30)
        device.component(2, 9, FIRE)
    assert [(device, rule) for device, rule, _ in centre.raised(address)] == [
        (f"fp-{address[-2:]}-3-5", "fire.heat.contact"), (f"fp-{address[-2:]}-2-9", "fire.smoke.contact"),
        (f"fp-{address[-2:]}-3-5", "fire.confirmed"),
    ]  # fmt: skip
    names = centre.rows(
        "SELECT name, kind FROM devices WHERE address LIKE %s ORDER BY name", f"gb26875/{address}/1.1.%"
    )
    assert ("二层活动室", "heat") in names
    assert ("感烟火灾探测器", "smoke") in names
    newest = run(centre, "log", address, "--count", "1").stdout.split("\t")
    assert newest[1:4] == ["1.1.2.9", "smoke detector", "fire"]


def test_what_is_resent_counts_once_on_any_connection_and_is_confirmed_when_it_is_safe(centre: Centre) -> None:
    address = centre.device()
    centre.held.set()
    with centre.panel(address) as first:
        serial, frame = first.frame(wire.component_state(40, 2, 10, FIRE, "走廊", first.now()))
        first.write(frame)
        wait_until(lambda: centre.raised(address), "the alert is raised")
        first.write(frame)
        assert first.reply(serial, 0.5) is None  # seen by everybody, and not yet safe
    with centre.panel(address) as second:  # cut off, it comes again
        second.write(frame)
        heard, beat = second.frame(b"")
        second.write(beat)
        centre.held.clear()
        assert (second.reply(serial), second.reply(heard)) == (wire.CONFIRM, wire.CONFIRM)
        second.write(frame)  # as if the confirmation had been lost
        assert second.reply(serial) == wire.CONFIRM
    assert [value for _, value in centre.readings(f"smk-{address[-2:]}", "smoke_alarm")] == [1]
    assert centre.count("panel_reports", "address = %s", address) == 1
    assert len(centre.raised(address)) == 1


def test_while_the_database_hangs_a_frame_is_kept_in_the_spool_and_confirmed(centre: Centre) -> None:
    address = centre.device()
    bounds = centre.pipe._sink._bounds
    with centre.panel(address) as device, connect(centre.database_url) as blocker:
        device.heartbeat()
        blocker.execute("LOCK TABLE readings IN ACCESS EXCLUSIVE MODE")
        try:
            centre.pipe._sink._bounds = replace(bounds, answer_s_max=0.3)
            device.component(2, 77, FIRE, "厨房")  # confirmed, though the database has nothing of it
            assert centre.raised(address) == []
        finally:
            blocker.rollback()
        wait_until(lambda: not centre.pipe._sink.spooling, "the spool is brought in")
        centre.pipe._sink._bounds = bounds
    assert [text for _, _, text in centre.raised(address)] == ["消防主机报火警：感烟火灾探测器 2 回路 77 号，厨房"]
    assert centre.rows("SELECT description FROM panel_reports WHERE address = %s", address) == [("厨房",)]
    assert centre.state(address).heard_at is not None


def test_wrong_sums_ends_lengths_and_commands_are_denied_and_put_on_record(centre: Centre) -> None:
    address = centre.device()
    with centre.panel(address) as device:
        device.heartbeat()
        for cause, spoil in (
            ("bad_checksum", lambda frame: frame[:-3] + bytes([frame[-3] ^ 0xFF]) + frame[-2:]),
            ("bad_end", lambda frame: frame[:-1] + b"!"),
            ("too_long", lambda frame: frame[:24] + b"\xff\x7f" + frame[26:]),
        ):
            serial, frame = device.frame(wire.device_state(1, device.now()))
            device.write(spoil(frame))
            assert device.reply(serial) == wire.DENY, cause
            device.heartbeat()  # and the next frame is taken, on the same connection
            wait_until(
                lambda cause=cause: centre.state(address).denied_for == cause, f"{cause} is on record", every_s=0.1
            )
            until_next_record(centre)
        serial, frame = device.frame(b"", command=7)
        device.write(frame)
        assert device.reply(serial) == wire.DENY
        device.write(b"GET / HTTP/1.1\r\n\r\n" + device.frame(b"")[1])
        assert device.reply(0) == wire.DENY  # of what has no serial number
    letters = centre.rows("SELECT detail FROM dead_letters WHERE topic = %s ORDER BY id", f"gb26875#{address}")
    assert [detail.split(":")[0] for (detail,) in letters][:3] == ["bad_checksum", "bad_end", "too_long"]
    assert centre.count("readings", "point_id = %s", centre.point(f"fp-{address[-2:]}", "fault")) == 0


def until_next_record(centre: Centre) -> None:
    """Causes are put on record once a second at most."""
    since = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) - since > timedelta(seconds=panel.TOLD_PAUSE_S), "a second has passed")


def test_an_unknown_address_is_denied_parted_with_and_listed(centre: Centre) -> None:
    with centre.panel("ffffffffff01") as stranger:
        serial, frame = stranger.frame(wire.component_state(40, 1, 1, FIRE, "", stranger.now()))
        stranger.write(frame)
        assert stranger.reply(serial) == wire.DENY
        wait_until(lambda: stranger.gone, "it is parted with")
    wait_until(
        lambda: (
            centre.rows("SELECT institution, reason FROM unclaimed_devices WHERE device = 'gb26875/ffffffffff01'")
            == [("", "institution_unknown")]
        ),
        "it is listed",
    )
    mine, other = centre.device(), centre.device()
    with centre.panel(mine) as device:
        device.heartbeat()
        changed = Panel("127.0.0.1", centre.panels.port or 0, other)
        serial, frame = changed.frame(b"")
        device.write(frame)  # one connection is one device's
        assert device.reply(serial) == wire.DENY
        wait_until(lambda: device.gone, "it is parted with")


def test_a_line_cut_in_the_middle_of_a_frame_and_one_that_stalls(centre: Centre) -> None:
    address = centre.device()
    with centre.panel(address) as first:
        first.heartbeat()
        _, frame = first.frame(wire.component_state(40, 2, 10, FIRE, "走廊", first.now()))
        first.write(frame[:40])
    wait_until(lambda: address not in centre.panels.addresses(), "the cut is noticed")
    assert centre.raised(address) == []
    with centre.panel(address) as second:
        second.write(frame)  # whole, on the next connection
        wait_until(lambda: centre.raised(address), "the alert is raised")
        _, torn = second.frame(wire.device_state(1, second.now()))
        second.write(torn[:35])  # and no more: given up after a while, and the line is good for what comes then
        wait_until(lambda: centre.state(address).denied_for == "incomplete", "the torn frame is given up")
        second.heartbeat()


def test_life_and_the_clock_are_recorded_and_the_clock_is_set(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    address = centre.device()
    with centre.panel(address, ahead_s=-7200) as device:
        device.heartbeat()
        before = centre.state(address)
        assert before.heard_at is not None
        assert abs(datetime.now(UTC) - before.heard_at) < timedelta(seconds=30)
        assert -7202 <= (before.clock_ahead_s or 0) <= -7199.9
        assert [value for _, value in centre.readings(f"fp-{address[-2:]}", "alive")] == [1]
        assert run(centre, "clock", address).exit_code == 0
        assert abs(device.ahead_s) < 5
        device.heartbeat()
        assert abs(centre.state(address).clock_ahead_s or 99) < 5
        shown = run(centre, "list")
        assert shown.stderr == ""
        listed = next(line for line in shown.stdout.splitlines() if line.startswith(address))
        assert f"panel-home/fp-{address[-2:]}" in listed
    older = parse_rules(default_rules().replace('quantity = "fire_alarm"', 'quantity = "smoke_alarm"'))
    monkeypatch.setattr(panel_command, "parse", lambda _: older)  # the pipeline keeps its own
    assert "raises nothing" in run(centre, "list").stderr


def run(centre: Centre, *arguments: str) -> Result:
    """`anhu panel …`, in this process."""
    env = environment(ANHU_DATABASE_URL=centre.database_url, ANHU_MQTT_URL="mqtt://nobody:x@127.0.0.1:1")
    return CliRunner().invoke(cli.app, ["panel", *arguments], env=env, terminal_width=200)


def asked(centre: Centre, address: str, type_flag: int, unit: bytes) -> Callable[[], str]:
    """Ask as `anhu panel` does; what answers how it ended, "" before."""
    with connect(centre.database_url) as connection:
        number = panel_store.ask_panel(connection, address, type_flag, unit, "test")
    assert number is not None

    def ended() -> str:
        with connect(centre.database_url) as connection:
            return panel_store.command_outcome(connection, number).outcome

    return ended


def test_states_are_read_and_duty_is_checked(centre: Centre) -> None:
    address = centre.device()
    with centre.panel(address) as device:
        device.component(2, 10, FIRE, "三层东侧走廊")
        answer = run(centre, "read", address, "component-state", "1.1.2.10")
        assert (answer.exit_code, answer.stdout.split("\t")[:4]) == (
            0, ["1.1.2.10", "smoke detector", "fire", "三层东侧走廊"],
        ), answer.stderr  # fmt: skip
        duty = run(centre, "duty", address, "--minutes", "1")
        assert (duty.exit_code, duty.stdout.startswith("answered after")) == (0, True), duty.stderr
        assert [packet.unit for packet in device.ordered] == [bytes.fromhex("3e0101010a000200"), b"\x5b\1\1"]
        denied = asked(centre, address, 65, b"\x41\1\1\1")  # it knows no versions
        wait_until(lambda: denied() == "denied", "the panel denies")
    wait_until(lambda: address not in centre.panels.addresses(), "it has gone")
    away = asked(centre, address, 61, b"\x3d\1\1\1")
    wait_until(lambda: away() == "away", "nobody is there to be asked")
    wrong = run(centre, "read", address, "component-state", "1.1")
    assert (wrong.exit_code, "no place" in wrong.stderr) == (1, True)
    nobody = run(centre, "clock", "000000000000")
    assert (nobody.exit_code, "no device is registered" in nobody.stderr) == (1, True)


def test_the_newest_connection_of_a_device_counts_and_silent_ones_are_ended(centre: Centre) -> None:
    address = centre.device()
    with centre.panel(address) as half_open, centre.panel(address) as again:
        half_open.heartbeat()
        again.heartbeat()
        wait_until(lambda: half_open.gone, "the former connection is ended")
        again.heartbeat()
    with socket.create_connection(("127.0.0.1", centre.panels.port or 0)) as mute:
        mute.settimeout(30)
        assert mute.recv(1) == b""  # it has not introduced itself


def test_more_connections_than_allowed_are_turned_away_and_the_others_stay(centre: Centre) -> None:
    address = centre.device()
    port = centre.panels.port or 0
    with centre.panel(address) as device:
        device.heartbeat()
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(centre.settings.connections_max + 5)]
        try:
            for each in crowd:
                each.settimeout(30)
            assert [each.recv(1) for each in crowd] == [b""] * len(crowd)  # at once, or for want of an introduction
            device.heartbeat()
        finally:
            for each in crowd:
                each.close()


def test_an_address_belongs_to_one_device(centre: Centre) -> None:
    swapped = REGISTRY.replace("/1.1.2.10", "/1.1.2.11", 1)
    twice = swapped.replace('code = "panel-home"', 'code = "panel-home-2"')
    with pytest.raises(RegistryFileInvalid, match="is that of device fp-00 already"):
        centre.register(twice)
    assert centre.count("institutions", "code = 'panel-home-2'") == 0


def test_what_was_said_is_kept_for_four_hundred_days(centre: Centre) -> None:
    address = centre.device()
    with centre.panel(address) as device:
        device.component(2, 77, NORMAL)
        device.component(2, 77, NORMAL)
    with connect(centre.database_url) as connection:
        connection.execute(
            "UPDATE panel_reports SET received_at = received_at - interval '401 days' WHERE ctid ="
            " (SELECT min(ctid) FROM panel_reports WHERE address = %s)", (address,),
        )  # fmt: skip
    centre.pipe._pruned_us = 0  # else once a minute
    wait_until(lambda: centre.count("panel_reports", "address = %s", address) == 1, "the older one is dropped")


def test_a_simulated_panel_that_is_not_taken_says_so(centre: Centre) -> None:
    with centre.panel("ffffffffff02") as stranger, pytest.raises(PanelRefused, match="answered with command 6"):
        stranger.heartbeat()


def test_no_stream_of_bytes_stops_it_or_makes_it_grow(centre: Centre) -> None:
    rng, address = random.Random(26875), centre.device()
    port, process = centre.panels.port or 0, psutil.Process()
    with centre.panel(address) as device:
        device.heartbeat()
        _, good = device.frame(wire.component_state(40, 2, 10, NORMAL, "走廊", device.now()))
        before = process.memory_info().rss
        for turn in range(40):
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.settimeout(30)
                introduced = good if turn % 2 else b""
                parts = [rng.randbytes(rng.randint(1, 3000)), b"@@" * rng.randint(1, 2000), good[: rng.randint(1, 70)],
                         bytes(each ^ (rng.random() < 0.05) for each in good * 5)]  # fmt: skip
                try:
                    line.sendall(introduced + b"".join(rng.sample(parts, 3)))
                    line.shutdown(socket.SHUT_WR)
                    while line.recv(4096):
                        pass  # confirmations and denials
                except OSError:
                    pass  # parted with before it had said all
        assert process.memory_info().rss - before < 32 * 2**20
    with centre.panel(address) as device:
        device.component(2, 10, FIRE, "走廊")
    assert len(centre.raised(address)) == 1
