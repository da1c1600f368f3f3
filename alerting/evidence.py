"""Why an alert was raised, as data and in words an operator understands."""

from collections.abc import Sequence
from typing import Any, Final

from alerting.detect import DETECTORS
from alerting.rules import Combination, Rule, Supervision
from ingest.quantity import QUANTITIES
from ingest.reading import from_us

_NAMES: Final = {
    "smoke_obscuration": ("烟雾", "Smoke"),
    "smoke_alarm": ("烟感信号", "Smoke alarm signal"),
    "temperature": ("温度", "Temperature"),
    "heat_alarm": ("感温信号", "Heat alarm signal"),
    "call_point": ("手动报警按钮信号", "Manual call point signal"),
    "humidity": ("湿度", "Humidity"),
    "co": ("一氧化碳", "Carbon monoxide"),
    "co_alarm": ("一氧化碳报警信号", "Carbon monoxide alarm signal"),
    "gas": ("可燃气体", "Combustible gas"),
    "gas_alarm": ("可燃气体报警信号", "Gas alarm signal"),
    "water_leak": ("漏水信号", "Water leak signal"),
    "fall": ("跌倒信号", "Fall signal"),
    "on_floor": ("倒地信号", "On-floor signal"),
    "sos": ("呼叫信号", "Call signal"),
    "occupancy": ("有人信号", "Occupancy"),
    "vibration": ("振动信号", "Vibration"),
    "tamper": ("防拆信号", "Tamper signal"),
    "battery": ("电量", "Battery"),
    "battery_low": ("电量低信号", "Low battery signal"),
    "mains_power": ("市电", "Mains"),
    "alive": ("在线信号", "Sign of life"),
    "fire_alarm": ("火警信号", "Fire alarm signal"),
    "fault": ("故障信号", "Fault signal"),
}
_UNITS: Final = {"Cel": "°C", "Cel/min": "°C/min", "Cel·s": "°C·s", "1": "", "dose": "×"}
_WORDS: Final = {  # what a detector's score is, for the sentence
    "rate_of_rise": ("{}上升速度", "{} rise"),
    "sudden_rise": ("{}上升速度超出平时波动", "{} rise beyond what is usual:"),
    "excess": ("{}高出本底", "{} above its usual level:"),
    "excess_sum": ("{}高出本底的累计量", "{} added up above its usual level:"),
    "co_en50291": ("{}累计剂量（1 为报警）", "{} dose (1 is an alarm):"),
    "co_ul2034": ("{}累计剂量（1 为报警）", "{} dose (1 is an alarm):"),
}
MEMBERS_SHOWN_MAX: Final = 6  # of a combination, in its sentence


def quantity_name(quantity: str) -> tuple[str, str]:
    """What a quantity is called in Chinese and English."""
    return _NAMES[quantity]


def shown_unit(unit: str) -> str:
    """A unit as people write it.

    >>> shown_unit("Cel/min"), shown_unit("%LEL")
    ('°C/min', '%LEL')
    """
    return _UNITS.get(unit, unit)


def of_rule(rule: Rule, *, value: float, score: float, since_us: int) -> dict[str, Any]:
    """The evidence for `rule`: what was read, what it was compared with, since when, and the sentence in both
    languages."""
    unit = DETECTORS[rule.detector].unit(QUANTITIES[rule.quantity].unit)
    shown = shown_unit(unit)
    zh, en = quantity_name(rule.quantity)
    if not shown:  # yes or no: what there is to say is for how long
        text_zh, text_en = rule.title_zh, rule.title_en
        if rule.on_delay_s:
            text_zh += f"：已超过 {rule.on_delay_s:g} 秒"
            text_en += f": for {rule.on_delay_s:g} s already"
    else:
        read, limit = f"{_figure(score)} {shown}", f"{_figure(rule.raise_at)} {shown}"
        word_zh, word_en = ("达到或超过", "at or above") if rule.above else ("低于或等于", "at or below")
        word = _WORDS.get(rule.detector, ("{}", "{}"))
        zh, en = word[0].format(zh), word[1].format(en)
        text_zh = f"{rule.title_zh}：{zh} {read}，{word_zh}阈值 {limit}"
        text_en = f"{rule.title_en}: {en.lower()} {read}, {word_en} {limit}"
    return {
        "rule": rule.id,
        "detector": rule.detector,
        "quantity": rule.quantity,
        "unit": unit,
        "value": _rounded(value),
        "score": _rounded(score),
        "threshold": rule.raise_at,
        "since": from_us(since_us).isoformat(),
        "clause": rule.clause,
        "clause_zh": rule.clause_zh or rule.clause,
        "clause_verified": rule.clause_verified,
        "text_zh": text_zh,
        "text_en": text_en,
    }


def of_combination(
    combination: Combination, members: Sequence[tuple[str, str, str]], *, since_us: int, alone: bool
) -> dict[str, Any]:
    """The evidence for `combination`: what holds together, as (device's name, rule's titles in Chinese and English)."""
    shown = list(members[:MEMBERS_SHOWN_MAX])
    more = len(members) - len(shown)
    list_zh = "；".join(f"{name}：{title}" for name, title, _ in shown) + (f"；另有 {more} 项" if more else "")
    list_en = "; ".join(f"{name}: {title}" for name, _, title in shown) + (f"; {more} more" if more else "")
    text_zh, text_en = f"{combination.title_zh}（{list_zh}）", f"{combination.title_en} ({list_en})"
    if alone:
        minutes = f"{combination.alone_delay_s / 60:.1f}".removesuffix(".0")
        text_zh = f"预警已持续 {minutes} 分钟，按火警处理（{list_zh}）"
        text_en = f"An early warning has stood for {minutes} min and counts as a fire ({list_en})"
    return {
        "rule": combination.id,
        "detector": "combination",
        "since": from_us(since_us).isoformat(),
        "clause": combination.clause,
        "clause_zh": combination.clause_zh or combination.clause,
        "clause_verified": combination.clause_verified,
        "members": [{"device": name, "title_zh": zh, "title_en": en} for name, zh, en in members],
        "text_zh": text_zh,
        "text_en": text_en,
    }


def of_silence(
    *, quiet_since_us: int, limit_s: float, supervision: Supervision, whole_institution: bool
) -> dict[str, Any]:
    """The evidence for an offline alert; `limit_s` is the silence allowed, in seconds."""
    minutes = f"{limit_s / 60:.1f}".removesuffix(".0")
    if whole_institution:
        text_zh = f"整个机构已超过 {minutes} 分钟没有任何数据：请检查网关、网络和电源"
        text_en = f"Nothing has been heard from the whole institution for {minutes} min: check gateway, network, power"
    else:
        text_zh = f"设备已超过 {minutes} 分钟没有上报"
        text_en = f"The device has not reported for {minutes} min"
    return {
        "threshold": limit_s,
        "unit": "s",
        "since": from_us(quiet_since_us).isoformat(),
        "clause": supervision.clause,
        "clause_zh": supervision.clause_zh or supervision.clause,
        "text_zh": text_zh,
        "text_en": text_en,
    }


def _rounded(number: float) -> float:
    return float(f"{number:.6g}")


def _figure(number: float) -> str:
    return f"{number:.3g}" if abs(number) < 1000 else f"{number:.0f}"
