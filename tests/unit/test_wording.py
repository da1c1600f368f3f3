"""What people read."""

from dataclasses import replace

from alerting import wording
from alerting.alert import Kind, Priority
from alerting.delivery import Form
from ingest.registry import Device, Institution, Registry, Zone
from tests.unit.test_digest import alert

PLACES = Registry.build(
    1, [Institution(1, "h", "安和养老院", "Anhe Home", "nursing_home", "220322")],
    [Zone(1001, 1, "k", "厨房", "Kitchen", "kitchen", -1)], [Device(1, 1, 1001, "d", "烟感 1", "smoke", "", 30)], [],
)  # fmt: skip
FIRE = replace(alert(1), evidence={"text_zh": "烟雾 0.35，阈值 0.3", "text_en": "smoke 0.35, at or above 0.3"})


def test_both_languages_say_what_where_why_and_what_to_do() -> None:
    assert wording.title(FIRE, PLACES, "zh") == "【火警】安和养老院 地下1层 厨房 烟感 1"
    assert wording.title(FIRE, PLACES, "en") == "[Fire] Anhe Home floor -1 Kitchen 烟感 1"
    text = wording.body(FIRE, "zh", ["甲", "乙"], again=False, flapping=False)
    assert "阈值 0.3" in text
    assert "11-23 10:00:00" in text
    assert "已通知：甲、乙" in text
    for kind in Kind:
        for language in ("zh", "en"):
            assert len(wording.body(alert(1, kind), language, [], again=True, flapping=True).split("\n")) == 4


def test_an_early_warning_is_no_fire_and_a_drill_says_so_first() -> None:
    early = alert(1, Kind.FIRE, Priority.HIGH)
    assert wording.title(early, PLACES, "zh").startswith("【火灾预警】")
    drill = replace(FIRE, drill=True)
    assert wording.title(drill, PLACES, "en").startswith("【演练】[Fire]")
    title, body = wording.summary([FIRE, replace(alert(2), drill=True)], PLACES, "zh", Form.GROUP)
    assert not title.startswith("【演练】")  # one of them is real
    assert "2. 【演练】火警" in body


def test_a_text_is_cut_at_a_line_and_keeps_its_link() -> None:
    body = "\n".join(f"{number}. 火警 安和养老院 烟感 {number}" for number in range(1, 500))
    text = wording.fitted("【火警等 499 条报警】", body, "https://a.example/a/t", "zh", 2048)
    assert len(text.encode()) <= 2048
    assert text.endswith("：https://a.example/a/t")
    assert "还有" in text
    assert wording.fitted("t", body, None, "zh", None).count("\n") == 499
    assert len(wording.fitted("长" * 1000, body, "https://a.example/a/t", "zh", 500).encode()) <= 500
