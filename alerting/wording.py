"""What a push says: what happened, where, against which threshold, when, what to do, who else knows. In the reader's
language."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from alerting.alert import OTHERS, Alert, Kind, Priority, State
from alerting.delivery import Form
from alerting.escalation import CHINA
from ingest.registry import Registry

DRILL: Final = "【演练】"  # in front of every text of a drill, in either language
_KINDS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.FIRE: ("火警", "Fire"),
    Kind.GAS: ("燃气泄漏", "Gas leak"),
    Kind.CO: ("一氧化碳", "Carbon monoxide"),
    Kind.FALL: ("跌倒", "Fall"),
    Kind.SOS: ("紧急呼叫", "Call for help"),
    Kind.OFFLINE: ("设备离线", "Offline"),
    Kind.POWER_LOSS: ("停电", "Power cut"),
    Kind.LOW_BATTERY: ("电量低", "Low battery"),
    Kind.SENSOR_FAULT: ("传感器故障", "Sensor fault"),
    Kind.ANOMALY: ("数据异常", "Anomaly"),
    Kind.UNANSWERED: ("报警无人应答", "Alarm unanswered"),
    Kind.SYSTEM: ("系统", "Service"),
}
_EARLY_FIRE: Final = ("火灾预警", "Fire early warning")
_ACTIONS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.FIRE: (
        "立即到现场确认；确认起火拨打 119，按预案疏散，先救行动不便的老人，不乘电梯",
        "Go and look now. If it burns: call 119, evacuate by the plan, those who cannot walk first, no lifts",
    ),
    Kind.GAS: (
        "不开关电器、不用明火；关阀、开窗、撤离，到室外打电话（燃气抢修或 119）",
        "No switches, no flames. Close the valve, open windows, leave, and call from outside (gas company or 119)",
    ),
    Kind.CO: (
        "开窗通风并把人转移到室外；有人头晕、昏迷拨打 120",
        "Open windows and bring everybody outside. If anybody is dizzy or unconscious call 120",
    ),
    Kind.FALL: ("立即到场查看，不要急于扶起；受伤拨打 120", "Go there now; do not lift at once. If hurt call 120"),
    Kind.SOS: ("立即到场查看呼叫人", "Go to the person who called now"),
    Kind.OFFLINE: (
        "检查设备、网关、网络和电源；恢复前加强巡查",
        "Check device, gateway, network and power; patrol more often until it is back",
    ),
    Kind.POWER_LOSS: (
        "打开应急照明，查看用电维持生命的设备和电梯；恢复前加强巡查",
        "Emergency lighting on; look after equipment that keeps people alive, and the lifts; patrol until it is back",
    ),
    Kind.LOW_BATTERY: ("更换电池", "Change the battery"),
    Kind.SENSOR_FAULT: ("检查或更换传感器", "Check or replace the sensor"),
    Kind.ANOMALY: ("到现场查看", "Have a look on site"),
    Kind.UNANSWERED: (
        "立即电话联系该机构；联系不上派人到场或拨打 119、120",
        "Phone the institution now. If nobody answers send somebody, or call 119 or 120",
    ),
    Kind.SYSTEM: ("查看系统状态页", "See the system page"),
}
_NAMES_SHOWN_MAX: Final = 6


def title(alert: Alert, registry: Registry, language: str) -> str:
    """One line: what and where."""
    where = place(alert, registry, language)
    flag = kind_name(alert, language)
    mark = DRILL if alert.drill else ""
    return f"{mark}【{flag}】{where}" if language == "zh" else f"{mark}[{flag}] {where}"


def kind_name(alert: Alert, language: str) -> str:
    """The kind in words."""
    early = alert.kind is Kind.FIRE and alert.priority is not Priority.CRITICAL
    return (_EARLY_FIRE if early else _KINDS[alert.kind])[language == "en"]


def place(alert: Alert, registry: Registry, language: str) -> str:
    """Institution, floor and room, device; as far as they are known."""
    institution_id, zone_id, device_id, unclaimed = alert.source
    institution = registry.institutions.get(institution_id or 0)
    zone, device = registry.zones.get(zone_id or 0), registry.devices.get(device_id or 0)
    parts = [institution_name(institution_id, registry, language)] if institution else []
    if zone:
        name = zone.name_en or zone.name if language == "en" else zone.name
        parts.append(f"{_floor(zone.floor, language)} {name}")
    if device:
        parts.append(device.name)
    if unclaimed is not None:
        parts.append(unclaimed_name(unclaimed, language))
    return " ".join(parts) or ("安护系统" if language == "zh" else "Anhu")


def unclaimed_name(code: str, language: str) -> str:
    """What a device that nobody has registered is called."""
    if code == OTHERS:
        return "其他未登记设备" if language == "zh" else "more unregistered devices"
    return f"未登记设备 {code}" if language == "zh" else f"unregistered device {code}"


def institution_name(institution_id: int | None, registry: Registry, language: str) -> str:
    """What the institution is called."""
    found = registry.institutions.get(institution_id or 0)
    if found is None:
        return "安护系统" if language == "zh" else "Anhu"
    return found.name_en or found.name if language == "en" else found.name


def _floor(number: int, language: str) -> str:
    if language == "zh":
        return f"{number}层" if number >= 0 else f"地下{-number}层"
    return f"floor {number}"


def body(alert: Alert, language: str, told: Sequence[str], *, again: bool, flapping: bool) -> str:
    """The lines under the title of a push about one alert. `told` are the names of those who know already; `again`: not
    the first call."""
    zh = language == "zh"
    lines = [reason(alert, language)]
    lines.append(("时间：" if zh else "Since: ") + clock(alert.onset_at))
    if alert.state is State.RTN_UNACKED:
        lines.append(
            "报警条件已恢复，仍待人员确认" if zh else "The condition has gone; somebody must still acknowledge"
        )
    if flapping:
        lines.append(
            f"频繁报警：已发生 {alert.occurrences} 次，请检查原因"
            if zh
            else f"Flapping: {alert.occurrences} times so far; find out why"
        )
    elif again:
        lines.append(f"第 {alert.occurrences} 次报警" if zh else f"Occurrence {alert.occurrences}")
    lines.append(("处置：" if zh else "Do: ") + _ACTIONS[alert.kind][not zh])
    if told:
        names = ("、" if zh else ", ").join(told[:_NAMES_SHOWN_MAX])
        more = len(told) - _NAMES_SHOWN_MAX
        rest = "" if more <= 0 else f" 等 {len(told)} 人" if zh else f" and {more} more"
        lines.append(("已通知：" if zh else "Told already: ") + names + rest)
    return "\n".join(lines)


def reason(alert: Alert, language: str) -> str:
    """The engine's sentence: value against threshold."""
    text = alert.evidence.get("text_zh" if language == "zh" else "text_en")
    return str(text) if text else kind_name(alert, language)


def clock(at: datetime) -> str:
    """A moment as people in China read it."""
    return at.astimezone(CHINA).strftime("%m-%d %H:%M:%S")


def summary(alerts: Sequence[Alert], registry: Registry, language: str, form: Form) -> tuple[str, str]:
    """Title and body of a push that names several alerts, each on a line of its own, the most urgent first."""
    zh = language == "zh"
    institutions = list(dict.fromkeys(alert.source.institution_id for alert in alerts))
    where = institution_name(institutions[0], registry, language)
    if form is Form.DIGEST and len(institutions) > 1:
        where = f"{len(institutions)} 家机构" if zh else f"{len(institutions)} institutions"
    first = kind_name(alerts[0], language)
    mark = DRILL if all(alert.drill for alert in alerts) else ""  # a real alarm among drills must not look like one
    head = (
        f"{mark}【{first}等 {len(alerts)} 条报警】{where}"
        if zh
        else f"{mark}[{len(alerts)} alerts, {first} first] {where}"
    )
    lines = [f"{number}. {line(alert, registry, language)}" for number, alert in enumerate(alerts, start=1)]
    kinds = dict.fromkeys(alert.kind for alert in alerts if alert.priority.rank <= Priority.HIGH.rank)
    actions = [f"{_KINDS[kind][not zh]}：{_ACTIONS[kind][not zh]}" for kind in list(kinds)[:2]]
    return head, "\n".join([*actions, *lines])


def line(alert: Alert, registry: Registry, language: str) -> str:
    """One alert among several."""
    mark = DRILL if alert.drill else ""
    return f"{mark}{kind_name(alert, language)} {place(alert, registry, language)} {clock(alert.called_at)}"


def test_text(language: str) -> tuple[str, str]:
    """Title and body of a test message."""
    if language == "zh":
        return "【测试】安护通知测试", "这是一条测试消息，收到即表示该联系方式可用，无需处置。"
    return "[Test] Anhu notification test", "This is a test: this contact works. There is nothing to do."


def fitted(title_text: str, body_text: str, link: str | None, language: str, bytes_max: int | None) -> str:
    """Title, as much of the body as fits into `bytes_max` bytes of UTF-8, and the link, which is never cut."""
    zh = language == "zh"
    tail = "" if link is None else f"\n{'查看并确认' if zh else 'See and acknowledge'}：{link}"
    whole = f"{title_text}\n{body_text}{tail}"
    if bytes_max is None or len(whole.encode()) <= bytes_max:
        return whole
    lines = body_text.split("\n")
    more = "…… 还有 {} 行，见完整列表" if zh else "… {} more lines, see the full list"
    room = bytes_max - len(tail.encode()) - len(more.format(len(lines)).encode()) - 2
    kept = _cut(title_text, room)
    for number, each in enumerate(lines):
        longer = f"{kept}\n{each}"
        if len(longer.encode()) > room:
            return f"{kept}\n{more.format(len(lines) - number)}{tail}"
        kept = longer
    return kept + tail


def _cut(text: str, bytes_max: int) -> str:
    return text.encode()[: max(0, bytes_max)].decode(errors="ignore")
