"""What watches a device, in words."""

from dataclasses import replace

import pytest

from alerting.explanation import explain
from alerting.rules import default_rules, parse
from anhu.commands.rules import _device
from anhu.errors import DeviceUnknown

from .engine_world import feed, point, readings, registry, state

RULES = parse(default_rules())


def test_every_rule_of_the_device_and_only_those_are_told_with_setpoint_and_clause() -> None:
    home = registry(3)
    bedroom = {each.rule: each for each in explain(RULES, home, home.devices[1], None)}
    kitchen = {each.rule: each for each in explain(RULES, home, home.devices[2], None)}
    assert "fire.smoke.early" in bedroom
    assert "fire.smoke.early" not in kitchen
    assert "fire.heat.hot-room" in kitchen
    assert {"fire.multi", "fire.confirmed"} <= set(bedroom)
    smoke = bedroom["fire.smoke"]
    assert "0.3 dB/m" in smoke.text_zh
    assert "0.3 dB/m" in smoke.text_en
    assert "连续 2 次" in smoke.text_zh
    assert smoke.clause.startswith("GB 4715")
    assert smoke.holds is None
    assert "°C/min" in bedroom["fire.heat.rise"].text_en
    assert "fast_s" in bedroom["fire.heat.rise"].text_en
    assert "≤ 15 %" in bedroom["battery.low"].text_zh
    assert "单独不报警" in bedroom["sign.heat"].text_zh
    assert "at least 2 devices" in bedroom["fire.confirmed"].text_en


def test_what_holds_now_is_told_of_this_device_alone() -> None:
    engine = state(3)
    feed(engine, readings(*[(point(1, "smoke_obscuration"), t, 0.5) for t in (0, 10)]))
    home = engine.plan.registry
    told = {each.rule: each.holds for each in explain(RULES, home, home.devices[1], engine.alerts.values())}
    assert (told["fire.smoke"], told["fire.heat"], told["fire.confirmed"]) == (True, False, False)
    other = {each.rule: each.holds for each in explain(RULES, home, home.devices[3], engine.alerts.values())}
    assert not any(other.values())


def test_an_alone_delay_is_told() -> None:
    home = registry(3)
    delayed = replace(RULES, combinations=tuple(replace(each, alone_delay_s=120.0) for each in RULES.combinations))
    told = {each.rule: each for each in explain(delayed, home, home.devices[1], None)}
    assert "120" in told["fire.confirmed"].text_zh


def test_a_device_is_found_by_its_code() -> None:
    home = registry(3)
    assert _device(home, "d2", None).id == 2
    assert _device(home, "d2", "home").id == 2
    for code, institution in (("d9", None), ("d2", "elsewhere")):
        with pytest.raises(DeviceUnknown):
            _device(home, code, institution)
