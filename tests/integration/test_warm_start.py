"""A restart, new rules and a new registry change nothing that was under way."""

import re

import pytest

from alerting import store
from alerting.process import Decision, Judge
from alerting.rules import default_rules
from alerting.settings import AlertingSettings
from anhu.roles import now_us
from ingest import store as ingest_store
from ingest.database import Connection, connect
from ingest.intake import Intake
from ingest.reading import ReadingBatch
from tests.commands import anhu, environment
from tests.integration.world import HOME, Devices, S, World, home_of, pipeline
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

QUICK_SILENCE = (
    default_rules().replace("s_min = 290", "s_min = 1").replace("institution_s_min = 45", "institution_s_min = 9")
)


def use(world: World, rules: str) -> None:
    """Put a rule file in force, as `anhu rules load` does."""
    from alerting.rules import parse

    parsed = parse(rules)
    with connect(world.database_url) as connection:
        store.save_rules(
            connection, version=parsed.version, sha256=parsed.sha256, body=rules, loaded_by="the test"
        )  # fmt: skip


def changed(rule: str, **fields: object) -> str:
    """The default rules with fields of one rule changed."""
    head, found, tail = default_rules().partition(f'id = "{rule}"')
    assert found
    body, mark, rest = tail.partition("\n[[rule]]")
    for name, value in fields.items():
        lines = [line for line in body.split("\n") if not line.startswith(f"{name} =")]
        body = "\n".join([lines[0], f"{name} = {value}", *lines[1:]])
    return head + found + body + mark + rest


def withdrawn(rule: str) -> str:
    """The default rules without one, which then counts in no combination either."""
    blocks = default_rules().split("\n[[rule]]")
    kept = [block for block in blocks if f'\nid = "{rule}"\n' not in block]
    assert len(kept) == len(blocks) - 1
    return re.sub(rf'"{re.escape(rule)}"(, )?', "", "\n[[rule]]".join(kept))


def send(world: World, url: str, *reports: tuple[str, str, float, int]) -> None:
    """Run a pipeline for these (device, quantity, value, µs) messages and stop it again."""
    with pipeline(world.database_url, url) as running, Devices(url) as devices:
        for device, quantity, value, at_us in reports:
            devices.report(device, {quantity: value}, at_us)
        running.took(len(reports))


def test_a_count_of_samples_survives(world: World, session_url: str) -> None:
    now = now_us()
    send(world, session_url, ("kit-smk-1", "smoke_obscuration", 0.5, now - 40 * S))
    assert world.events() == []
    send(world, session_url, ("kit-smk-1", "smoke_obscuration", 0.5, now - 10 * S))
    assert world.events() == [("raise", "fire.smoke")]


@pytest.mark.parametrize("delay_s", [660, 3900])
def test_a_pending_delay_survives_and_keeps_its_onset(world: World, session_url: str, delay_s: int) -> None:
    rule, ppm = {660: ("co.100ppm", 120.0), 3900: ("co.50ppm", 60.0)}[delay_s]
    use(world, withdrawn("co.dose"))  # which would raise the alert before
    now = now_us()
    onset = now - (delay_s - 3) * S  # three seconds are left of the delay
    reports = [("bed-co-1", "co", ppm, at) for at in (*range(onset, now, 60 * S), now)]
    send(world, session_url, *reports)
    assert ("raise", rule) not in world.events()
    with pipeline(world.database_url, session_url):  # not one more reading: time alone brings it about
        wait_until(lambda: ("raise", rule) in world.events(), "the delay ran out")
    alert = world.alerts("co")[0]
    assert alert["onset_at"].timestamp() == pytest.approx(onset / S, abs=1e-5)


def test_an_active_condition_survives_and_its_clearing_too(world: World, session_url: str) -> None:
    now = now_us()
    burning = [("kit-smk-1", "smoke_obscuration", 0.6, now - second * S) for second in (300, 290)]
    send(world, session_url, *burning)
    send(world, session_url, ("kit-smk-1", "smoke_obscuration", 0.6, now - 280 * S))
    assert world.events() == [("raise", "fire.smoke")]
    send(world, session_url, ("kit-smk-1", "smoke_obscuration", 0.0, now - 200 * S))
    send(world, session_url, ("kit-smk-1", "smoke_obscuration", 0.0, now - 100 * S))
    assert world.events() == [("raise", "fire.smoke"), ("clear", "fire.smoke")]
    send(world, session_url, ("kit-smk-1", "smoke_obscuration", 0.0, now - 5 * S))
    assert len(world.events()) == 2


def test_a_rate_of_rise_survives(world: World, session_url: str) -> None:
    now = now_us()
    climb = [("bed-smk-1", "temperature", 20 + second * 0.2, now - (300 - second) * S) for second in range(0, 190, 10)]
    send(world, session_url, *climb[:3])
    send(world, session_url, *climb[3:6])
    send(world, session_url, *climb[6:])
    assert world.events() == [("raise", "fire.heat.early"), ("raise", "fire.heat.rise")]


def test_who_was_offline_stays_so_and_comes_back(world: World, session_url: str) -> None:
    use(world, QUICK_SILENCE)
    world.register(HOME.replace("report_interval_s = 30", "report_interval_s = 1"))
    offline = "SELECT d.code, verb FROM alert_events e JOIN devices d ON d.id = device_id ORDER BY e.id"
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.report("bed-co-1", {"co": 1})
        running.took(1)

        def lost() -> bool:
            devices.report("bed-smk-1", {"temperature": 20})
            return bool(world.rows(offline))

        wait_until(lost, "the silent device is missed", every_s=0.3)
        assert world.rows(offline) == [("bed-co-1", "raise")]
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        beats = "SELECT count(*) FROM pipeline_heartbeats WHERE at > started_at + interval '2 s'"
        wait_until(lambda: world.rows(beats)[0][0], "it has looked after everyone twice")
        assert [row for row in world.rows(offline) if row[0] == "bed-co-1"] == [("bed-co-1", "raise")]
        wait_until(
            lambda: devices.report("bed-co-1", {"co": 1}) or ("bed-co-1", "clear") in world.rows(offline),
            "it is heard again", every_s=0.3,
        )  # fmt: skip


def test_new_rules_are_taken_up_while_running_and_forget_nothing(world: World, session_url: str) -> None:
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.report("kit-smk-1", {"smoke_obscuration": 0.25})
        running.took(1)
        use(world, changed("fire.smoke", raise_at=0.2))

        def raised() -> bool:
            devices.report("kit-smk-1", {"smoke_obscuration": 0.25})
            return world.events("fire") == [("raise", "fire.smoke")]

        wait_until(raised, "the lower threshold counts", every_s=0.3)
    assert world.alerts("fire")[0]["evidence"]["threshold"] == 0.2


def test_a_withdrawn_rule_lets_its_alert_go(world: World, session_url: str) -> None:
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        now = now_us()
        for at in (now - 20 * S, now - 10 * S):
            devices.report("bed-smk-1", {"smoke_obscuration": 0.9}, at)
        running.took(2)
        assert world.events() == [("raise", "fire.smoke"), ("raise", "fire.smoke.early")]
        use(world, withdrawn("fire.smoke"))
        wait_until(lambda: world.events()[2:] == [("clear", "fire.smoke")], "the withdrawn rule lets go")
        (alert,) = world.alerts("fire")
        assert (alert["rules"], alert["active"]) == (["fire.smoke.early"], True)
        use(world, withdrawn("fire.smoke").replace('"fire.smoke.early"', '"fire.smoke.another"'))
        wait_until(lambda: not world.alerts("fire")[0]["active"], "and the other one")
    ((told,),) = world.rows("SELECT evidence->>'text_en' FROM alert_events WHERE verb = 'clear' ORDER BY id LIMIT 1")
    assert "withdrawn" in told


def refreshed(judge: Judge, world: World, connection: Connection, now: int) -> Decision:
    """What the pipeline does to learn what others changed; the decision is not written yet."""
    with connection.transaction():
        news = judge.read(connection, world.registry(), now)
    return judge.take_up(news, world.registry(), now)


def test_a_withdrawal_that_only_the_spool_has_is_said_all_the_same(world: World) -> None:
    judge, now = Judge(AlertingSettings()), now_us()
    point = world.point("kit-smk-1", "smoke_obscuration")
    at = [now - 20 * S, now - 10 * S]
    with connect(world.database_url) as connection:
        judge.adopt(refreshed(judge, world, connection, now), stored=True)
        decision = judge.judge(Intake(ReadingBatch.build([point] * 2, at, at, [0.5, 0.5]), [], [], 2))
        with connection.transaction():
            judge.write(connection, decision)
        judge.adopt(decision, stored=True)
        use(world, withdrawn("fire.smoke"))
        decision = refreshed(judge, world, connection, now + S)
        packed = judge.pack(decision)  # the database went away before the commit
        judge.adopt(decision, stored=False)
        for _ in range(2):
            with connection.transaction():
                judge.write_packed(connection, packed)
        judge.adopt(refreshed(judge, world, connection, now + 2 * S), stored=True)
    assert world.events() == [("raise", "fire.smoke"), ("clear", "fire.smoke")]


def test_a_first_start_whose_commit_failed_keeps_the_rules_anyway(world: World) -> None:
    judge, registry = Judge(AlertingSettings()), world.registry()
    with connect(world.database_url) as connection:
        with connection.transaction(force_rollback=True):
            judge.read(connection, registry, now_us())
        with connection.transaction():
            judge.read(connection, registry, now_us())
    assert world.count("rule_sets") == 1


def test_a_new_registry_keeps_what_is_under_way(world: World, session_url: str) -> None:
    now = now_us()
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        devices.report("kit-smk-1", {"smoke_obscuration": 0.5}, now - 30 * S)
        running.took(1)
        world.register(home_of(3))
        wait_until(lambda: running.pipeline._registry.version == world.registry().version, "the registry is read again")
        devices.report("kit-smk-1", {"smoke_obscuration": 0.5}, now - 20 * S)
        running.took(2)
    assert world.events() == [("raise", "fire.smoke")]


def test_an_operator_beside_the_running_engine_is_heard(world: World, session_url: str) -> None:
    from alerting.alert import Verb, act
    from ingest.reading import from_us

    def press(verb: Verb) -> None:
        with connect(world.database_url) as connection:
            (alert,) = store.open_alerts(connection)
            store.act(connection, alert, act(alert, verb, "user:a", from_us(now_us()), None), alert.version)

    now = now_us()
    with pipeline(world.database_url, session_url) as running, Devices(session_url) as devices:
        for second in (900, 890):
            devices.report("kit-smk-1", {"smoke_obscuration": 0.5}, now - second * S)
        running.took(2)
        press(Verb.ACKNOWLEDGE)
        for second in (800, 700):
            devices.report("kit-smk-1", {"smoke_obscuration": 0.0}, now - second * S)
        running.took(4)
        press(Verb.RESET)
        judge = running.pipeline._judge
        wait_until(lambda: not judge._state.alerts, "the engine has looked")
        for second in (600, 590):
            devices.report("kit-smk-1", {"smoke_obscuration": 0.5}, now - second * S)
        running.took(6)
    verbs = [verb for verb, _ in world.events()]
    assert verbs == ["raise", "acknowledge", "clear", "reset", "raise"]
    first, second_alert = world.alerts("fire")
    assert (first["open"], second_alert["open"]) == (False, True)


def test_rules_loaded_by_the_command_name_who_did_it(world: World, tmp_path) -> None:
    env = environment(ANHU_DATABASE_URL=world.database_url, ANHU_MQTT_URL="mqtt://nobody:x@127.0.0.1:1")
    file = tmp_path / "rules.toml"
    file.write_text(changed("fire.smoke", raise_at=0.2), "utf-8")
    first = anhu("rules", "load", str(file), "--by", "王工", env=env)
    again = anhu("rules", "load", str(file), "--by", "李工", env=env)
    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    assert "in force already" in again.stderr
    assert world.rows("SELECT loaded_by FROM rule_sets") == [("王工",)]
    file.write_text(default_rules().replace("raise_at = 0.3", "raise_at = 0.01"), "utf-8")
    refused = anhu("rules", "load", str(file), "--by", "王工", env=env)
    assert (refused.returncode, "rule fire.smoke: clear_at" in refused.stderr) == (1, True)
    assert world.count("rule_sets") == 1
    assert anhu("rules", "show", env=env).stdout == changed("fire.smoke", raise_at=0.2)


def test_the_engine_reads_back_what_the_pipeline_stored(world: World, session_url: str) -> None:
    now = now_us()
    send(world, session_url, ("bed-co-1", "co", 3.0, now - 5 * S))
    with connect(world.database_url) as connection:
        heard = ingest_store.last_heard(connection, connection.execute("SELECT now() - interval '1 day'").fetchone()[0])
    assert [point for point, _ in heard] == [world.point("bed-co-1", "co")]
    assert abs(heard[0][1] - now) < 60 * S
