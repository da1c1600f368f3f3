"""Confirmation: what conditions in one zone mean together, in the engine and through a restart."""

import copy
import random

import pytest

from alerting import restore
from alerting.alert import Priority, act, fold
from alerting.alert import Verb as AlertVerb
from alerting.confirm import Held, Reason, Standing, believed, due_us, judge, stood_alone
from alerting.engine import State, adopt, step
from alerting.errors import RulesInvalid
from alerting.plan import compile_plan
from alerting.rules import Combination, default_rules, parse
from alerting.suppression import Reason as Quiet
from alerting.suppression import why_quiet
from ingest.reading import from_us

from .engine_world import T0, S, feed, pass_time, point, readings, registry, state

DEFAULT = parse(default_rules())
BY_ID = {each.id: each for each in DEFAULT.combinations}
DELAYED = default_rules().replace("devices_min = 2\n", "devices_min = 2\nalone_delay_s = 120\n", 1)


def smoke(device: int, *seconds: float, level: float = 0.2) -> list[tuple[int, float, float]]:
    return [(point(device, "smoke_obscuration"), second, level) for second in seconds]


# --- by itself ----------------------------------------------------------------------------------------------------
def test_two_devices_confirm_and_one_alone_does_not() -> None:
    confirmed = BY_ID["fire.confirmed"]
    one = judge(confirmed, None, [Held(7, "fire.smoke"), Held(7, "fire.heat")], 5)
    assert one == Standing(7, 5)
    two = judge(confirmed, one, [Held(7, "fire.smoke"), Held(3, "fire.heat")], 9)
    assert two == Standing(7, 5, Reason.TOGETHER)
    assert judge(confirmed, two, [Held(3, "fire.heat")], 12) == Standing(3, 5)  # what is left of it carries it
    assert judge(confirmed, two, [Held(3, "gas.level1")], 12) is None


@pytest.mark.parametrize("name", sorted(BY_ID))
def test_judging_once_more_what_holds_changes_nothing(name: str) -> None:
    """A change is told when it is due and again when its point next reports: the second time must be no news."""
    combination, chance = BY_ID[name], random.Random(name)
    rules = sorted(combination.rules)
    standing = None
    for at_us in range(500):
        held = {Held(chance.randint(1, 4), chance.choice(rules)) for _ in range(chance.randint(0, 4))}
        standing = judge(combination, standing, held, at_us)
        assert judge(combination, standing, held, at_us + 1) == standing or standing is None


def test_every_part_must_hold_and_the_first_part_carries_it() -> None:
    multi = BY_ID["fire.multi"]
    warm = judge(multi, None, [Held(1, "sign.heat")], 5)
    assert warm == Standing(1, 5)
    fire = judge(multi, warm, [Held(1, "sign.heat"), Held(2, "fire.smoke.rise")], 9)
    assert fire == Standing(2, 5, Reason.TOGETHER)
    assert judge(multi, None, [Held(1, "sign.heat"), Held(1, "sign.co")], 9) == Standing(1, 9)


def test_what_stood_alone_for_its_delay_goes_on_while_anything_of_it_stands() -> None:
    delayed = parse(DELAYED)
    confirmed = next(each for each in delayed.combinations if each.alone_delay_s)
    alone = judge(confirmed, None, [Held(1, "fire.smoke")], 5)
    assert alone is not None
    assert due_us(confirmed, alone) == 5 + 120 * S
    believed_now = stood_alone(alone)
    assert due_us(confirmed, believed_now) is None
    assert judge(confirmed, believed_now, [Held(1, "fire.heat")], 6) == believed_now
    assert judge(confirmed, believed_now, [], 7) is None
    assert due_us(BY_ID["fire.confirmed"], alone) is None


def test_what_the_log_says_is_believed_only_where_conditions_bear_it_out() -> None:
    confirmed = BY_ID["fire.confirmed"]
    two = [Held(1, "fire.smoke"), Held(2, "fire.smoke")]
    assert believed(confirmed, 2, two, 5) == Standing(2, 5, Reason.TOGETHER)
    assert believed(confirmed, 2, two[:1], 5) is None


# --- in the engine ------------------------------------------------------------------------------------------------
def test_two_early_warnings_in_a_zone_become_one_confirmed_fire() -> None:
    engine = state(9)  # devices 1, 4, 7 stand in the bedroom
    feed(engine, readings(*smoke(4, 0, 10)))
    assert engine.alerts[next(iter(engine.alerts))].priority is Priority.HIGH
    verdict = step(engine, readings(*smoke(1, 20, 30)))
    adopt(engine, verdict.patch)
    confirmed = [event for event in verdict.events if event.rule == "fire.confirmed"]
    assert [(event.source.device_id, event.priority) for event in confirmed] == [(4, Priority.CRITICAL)]
    told = confirmed[0].evidence
    assert {each["device"] for each in told["members"]} == {"设备 1", "设备 4"}
    assert "确认火警" in told["text_zh"]
    assert "confirmed fire" in told["text_en"]
    alerts = {alert.source.device_id: alert for alert in engine.alerts.values()}
    assert alerts[4].priority is Priority.CRITICAL
    assert alerts[1].priority is Priority.HIGH
    # The warning beside the confirmed fire calls nobody; the confirmed one does.
    now = from_us(T0 + 31 * S)
    assert why_quiet(alerts[1], [], alerts.values(), now) is Quiet.CONFIRMED_FIRE
    assert why_quiet(alerts[4], [], alerts.values(), now) is None


def test_zones_do_not_confirm_each_other() -> None:
    engine = state(9)
    events = feed(engine, readings(*smoke(1, 0, 10), *smoke(3, 0, 10)))
    assert "fire.confirmed" not in {rule for _, rule, _ in events}


def test_a_detector_and_a_manual_call_point_confirm() -> None:
    text = default_rules().replace(
        'quantity = "call_point"', 'quantity = "sos"'
    )  # the engine's world has no call point
    engine = state(9, rules=text)
    feed(engine, readings((point(7, "sos"), 0, 1)))
    events = feed(engine, readings(*smoke(1, 20, 30)))
    assert ("raise", "fire.confirmed.manual", 30.0) in events


def test_a_single_full_smoke_alarm_is_as_loud_as_ever() -> None:
    engine = state(9)
    verdict = step(engine, readings(*smoke(1, 0, 10, level=0.5)))
    assert any(event.rule == "fire.smoke" and event.priority is Priority.CRITICAL for event in verdict.events)


def test_the_confirmation_ends_with_its_second_detector() -> None:
    engine = state(9)
    feed(engine, readings(*smoke(1, 0, 10), *smoke(4, 0, 10)))
    events = feed(engine, readings(*smoke(4, 20, 90, level=0.0)))
    assert ("clear", "fire.confirmed", 80.0) in events or ("clear", "fire.confirmed", 90.0) in events
    assert len(engine.alerts) == 2  # nobody has acknowledged anything yet


def test_smoke_that_rises_with_the_temperature_is_a_fire_before_either_is() -> None:
    engine = state(9)
    calm = [(point(1, name), second, value) for second in range(0, 600, 10)
            for name, value in (("smoke_obscuration", 0.01), ("temperature", 21.0))]  # fmt: skip
    assert feed(engine, readings(*calm)) == []
    burning = [(point(1, name), second, value + (second - 600) * slope) for second in range(600, 690, 10)
               for name, value, slope in (("smoke_obscuration", 0.01, 0.002), ("temperature", 21.0, 0.04))]  # fmt: skip
    events = feed(engine, readings(*burning))
    rules = {rule for _, rule, _ in events}
    assert "fire.multi" in rules
    assert not rules & {"fire.smoke", "fire.heat", "fire.heat.rise", "fire.heat.early"}
    assert not any(rule.startswith("sign.") for rule in rules)  # signs raise nothing by themselves


@pytest.mark.parametrize("name", ["breath", "tealights", "perfume", "toast", "steam"])
def test_everyday_nuisance_is_no_multi_criteria_fire(name: str) -> None:
    """Peaks as in the recordings of the small room (docs/accuracy.md), in a bedroom: breath raises CO, tealights heat
    and CO, perfume one sensor's gas, toast smoke alone; steam as the simulators have it."""
    peaks = {
        "breath": {"co": 25.0, "temperature": 0.5},
        "tealights": {"co": 15.0, "temperature": 3.0},
        "perfume": {"gas": 8.0},
        "toast": {"smoke_obscuration": 0.12, "temperature": 0.3},
        "steam": {"smoke_obscuration": 0.13, "temperature": 1.5},
    }[name]
    quiet = {"smoke_obscuration": 0.01, "temperature": 21.0, "co": 1.0, "gas": 0.5}
    rows = []
    for second in range(0, 1200, 5):
        share = min(max(second - 600, 0) / 60, 1.0) if second < 900 else 0.0
        rows += [(point(1, q), second, value + share * peaks.get(q, 0.0)) for q, value in quiet.items()]
    engine = state(9)
    events = feed(engine, readings(*rows))
    assert not {rule for _, rule, _ in events} & {"fire.multi", "fire.confirmed", "fire.smoke", "gas.level1"}


def test_a_pre_alarm_alone_is_believed_after_its_delay() -> None:
    engine = state(9, rules=DELAYED)
    feed(engine, readings(*smoke(1, 0, 10)))
    feed(engine, readings(*smoke(1, 100)))
    assert pass_time(engine, 129) == []
    assert pass_time(engine, 131) == [("raise", "fire.confirmed", 130.0)]
    assert pass_time(engine, 132) == []
    alert = engine.alerts[next(iter(engine.alerts))]
    assert alert.priority is Priority.CRITICAL
    assert "2" in alert.evidence["text_zh"]


def restarted(engine: State, *, rules: str | None = None) -> tuple[State, list[tuple[str, str]]]:
    """A fresh engine that knows only the open alerts and the readings since, as after a start."""
    fresh = State.begin(compile_plan(registry(9), parse(rules or default_rules())), T0)
    fresh.alerts = dict(engine.alerts)
    fresh.slots[:] = engine.slots
    fresh.latch.put(slice(None), engine.latch)  # what judging the last readings again brings
    verdict = restore.conditions(fresh, T0 + 60 * S)
    adopt(fresh, verdict.patch)
    return fresh, [(event.verb.value, event.rule or "") for event in verdict.events]


def test_a_confirmed_fire_survives_a_restart_in_silence_and_ends_once() -> None:
    engine = state(9)
    feed(engine, readings(*smoke(1, 0, 10), *smoke(4, 0, 10)))
    fresh, events = restarted(engine)
    assert events == []
    assert feed(fresh, readings(*smoke(1, 20))) == []
    events = feed(fresh, readings(*smoke(4, 20, 90, level=0.0)))
    assert [rule for verb, rule, _ in events if verb == "clear"].count("fire.confirmed") == 1


def test_a_confirmation_the_log_does_not_know_is_told_after_a_restart() -> None:
    engine = state(9)
    feed(engine, readings(*smoke(1, 0, 10)))
    before = copy.deepcopy(engine.alerts)
    feed(engine, readings(*smoke(4, 0, 10)))
    engine.alerts = before  # what the second device did was not stored
    _, events = restarted(engine)
    assert ("raise", "fire.confirmed") in events


def test_a_confirmation_that_conditions_no_longer_bear_out_is_over_after_a_restart() -> None:
    engine = state(9)
    feed(engine, readings(*smoke(1, 0, 10), *smoke(4, 0, 10)))
    withdrawn = {key: alert for key, alert in engine.alerts.items() if "fire.confirmed" in alert.rules}
    engine.alerts = withdrawn
    engine.latch.active[:] = False
    fresh, events = restarted(engine)
    assert ("clear", "fire.confirmed") in events
    assert restored_rules(fresh) == {"fire.smoke.early"}


def restored_rules(engine: State) -> set[str]:
    return {rule for alert in engine.alerts.values() for rule in alert.rules}


def test_an_acknowledged_pre_alarm_calls_again_when_it_is_confirmed() -> None:
    engine = state(9)
    feed(engine, readings(*smoke(1, 0, 10)))
    key, alert = next(iter(engine.alerts.items()))
    engine.alerts[key] = fold(alert, act(alert, AlertVerb.ACKNOWLEDGE, "王工", from_us(T0 + 15 * S), None))
    feed(engine, readings(*smoke(4, 20, 30)))
    assert not engine.alerts[key].acknowledged


# --- in the rule file ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"fire.call-point"],', '"fire.nothing"],', "no rule fire.nothing"),
        ("devices_min = 2", "devices_min = 0", "devices_min"),
        ("devices_min = 2", 'devices_min = 2\ncolour = "red"', "unknown field colour"),
        ("devices_min = 2", "devices_min = 2\nalone_delay_s = -5", "alone_delay_s"),
        ('id = "fire.confirmed"', 'id = "fire.smoke"', "fire.smoke stands twice"),
    ],
)
def test_an_error_in_a_combination_is_told(before: str, after: str, said: str) -> None:
    with pytest.raises(RulesInvalid) as caught:
        parse(default_rules().replace(before, after, 1))
    assert said in "\n".join(caught.value.problems)


def test_parts_must_be_lists_of_rules() -> None:
    text = default_rules()
    start = text.index("parts = [[")
    end = text.index("]]", start) + 2
    for wrong in ("parts = []", "parts = [[]]", 'parts = "smoke"', "parts = [3]"):
        with pytest.raises(RulesInvalid, match="parts"):
            parse(text[:start] + wrong + text[end:])


def test_the_combinations_that_ship_name_their_clauses() -> None:
    assert {"fire.multi", "fire.confirmed", "fire.confirmed.manual"} <= set(BY_ID)
    each: Combination
    for each in DEFAULT.combinations:
        assert each.clause
        assert each.title_zh != each.title_en


def test_a_setpoint_may_be_given_in_one_over_metres() -> None:
    text = default_rules().replace(
        "raise_at = 0.3\nclear_at = 0.1", 'unit = "1/m"\nraise_at = 0.03\nclear_at = 0.01', 1
    )
    rule = next(each for each in parse(text).rules if each.id == "fire.smoke")
    assert (rule.raise_at, rule.clear_at) == (pytest.approx(0.3), pytest.approx(0.1))
    with pytest.raises(RulesInvalid, match="cannot be read as"):
        parse(text.replace('unit = "1/m"', 'unit = "Cel"', 1))
