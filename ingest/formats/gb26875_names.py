"""What GB/T 26875.3-2011 numbers, by its tables: systems, components, states, operations, analog values."""

from typing import Final, NamedTuple


class Name(NamedTuple):
    """What something is called."""

    zh: str
    en: str


class Analog(NamedTuple):
    """What an analog value measures: one step of it in `unit`, and the quantity of a point for it, "" for none."""

    name: Name
    step: float
    unit: str
    quantity: str = ""


SYSTEMS: Final = {  # table 4
    0: Name("通用", "general"),
    1: Name("火灾报警系统", "fire alarm system"),
    10: Name("消防联动控制器", "linkage controller"),
    11: Name("消火栓系统", "hydrants"),
    12: Name("自动喷水灭火系统", "sprinklers"),
    13: Name("气体灭火系统", "gas extinguishing"),
    14: Name("水喷雾灭火系统（泵启动）", "water spray, pump"),
    15: Name("水喷雾灭火系统（压力容器启动）", "water spray, pressure vessel"),
    16: Name("泡沫灭火系统", "foam extinguishing"),
    17: Name("干粉灭火系统", "powder extinguishing"),
    18: Name("防烟排烟系统", "smoke control"),
    19: Name("防火门及卷帘系统", "fire doors and shutters"),
    20: Name("消防电梯", "fire lift"),
    21: Name("消防应急广播", "emergency broadcast"),
    22: Name("消防应急照明和疏散指示系统", "emergency lighting"),
    23: Name("消防电源", "fire power supply"),
    24: Name("消防电话", "fire telephone"),
}
COMPONENTS: Final = {  # table 5
    0: Name("通用部件", "component"),
    1: Name("火灾报警控制器", "fire alarm controller"),
    10: Name("可燃气体探测器", "combustible gas detector"),
    11: Name("点型可燃气体探测器", "point gas detector"),
    12: Name("独立式可燃气体探测器", "stand-alone gas detector"),
    13: Name("线型可燃气体探测器", "line gas detector"),
    16: Name("电气火灾监控报警器", "electrical fire monitor"),
    17: Name("剩余电流式电气火灾监控探测器", "residual current detector"),
    18: Name("测温式电气火灾监控探测器", "cable temperature detector"),
    23: Name("手动火灾报警按钮", "manual call point"),
    24: Name("消火栓按钮", "hydrant button"),
    25: Name("火灾探测器", "fire detector"),
    30: Name("感温火灾探测器", "heat detector"),
    31: Name("点型感温火灾探测器", "point heat detector"),
    32: Name("点型感温火灾探测器（S 型）", "point heat detector, type S"),
    33: Name("点型感温火灾探测器（R 型）", "point heat detector, type R"),
    34: Name("线型感温火灾探测器", "line heat detector"),
    35: Name("线型感温火灾探测器（S 型）", "line heat detector, type S"),
    36: Name("线型感温火灾探测器（R 型）", "line heat detector, type R"),
    37: Name("光纤感温火灾探测器", "fibre heat detector"),
    40: Name("感烟火灾探测器", "smoke detector"),
    41: Name("点型离子感烟火灾探测器", "ionisation smoke detector"),
    42: Name("点型光电感烟火灾探测器", "photoelectric smoke detector"),
    43: Name("线型光束感烟火灾探测器", "beam smoke detector"),
    44: Name("吸气式感烟火灾探测器", "aspirating smoke detector"),
    50: Name("复合式火灾探测器", "combined detector"),
    51: Name("复合式感烟感温火灾探测器", "smoke and heat detector"),
    52: Name("复合式感光感温火灾探测器", "flame and heat detector"),
    53: Name("复合式感光感烟火灾探测器", "flame and smoke detector"),
    61: Name("紫外火焰探测器", "UV flame detector"),
    62: Name("红外火焰探测器", "IR flame detector"),
    69: Name("感光火灾探测器", "flame detector"),
    74: Name("气体探测器", "gas detector"),
    78: Name("图像摄像方式火灾探测器", "video fire detector"),
    79: Name("感声火灾探测器", "sound fire detector"),
    81: Name("气体灭火控制器", "gas extinguishing controller"),
    82: Name("消防电气控制装置", "electrical control"),
    84: Name("模块", "module"),
    85: Name("输入模块", "input module"),
    86: Name("输出模块", "output module"),
    87: Name("输入/输出模块", "input and output module"),
    88: Name("中继模块", "relay module"),
    91: Name("消防水泵", "fire pump"),
    92: Name("消防水箱", "water tank"),
    95: Name("喷淋泵", "spray pump"),
    96: Name("水流指示器", "flow switch"),
    97: Name("信号阀", "signal valve"),
    98: Name("报警阀", "alarm valve"),
    99: Name("压力开关", "pressure switch"),
    **dict.fromkeys(range(101, 107), Name("阀", "valve")),
    111: Name("防烟排烟风机", "fan"),
    **dict.fromkeys(range(113, 119), Name("防火排烟部件", "damper or shutter")),
    121: Name("警报装置", "sounder"),
}

# What a bit that is 1 says. Bit 0 is the other way round: 0 is a test; makers leave it 0 with a fire, so it is no
# reason to believe a fire less.
COMPONENT_STATES: Final = (
    "normal", "fire", "fault", "shielded", "supervisory", "started", "feedback", "delayed", "power_fault",
)  # fmt: skip
SYSTEM_STATES: Final = (
    *COMPONENT_STATES[:8], "mains_fault", "standby_fault", "bus_fault", "manual", "configuration_changed", "reset",
)  # fmt: skip
DEVICE_STATES: Final = (
    "normal", "fire", "fault", "mains_fault", "standby_fault", "centre_link_fault", "line_fault",
)  # fmt: skip
OPERATIONS: Final = ("reset", "silence", "manual_alarm", "alarm_cleared", "self_test", "confirm", "test")
DEVICE_OPERATIONS: Final = (*OPERATIONS[:5], "duty_answer", "test")

STATES: Final = {
    "normal": Name("正常", "normal"),
    "fire": Name("火警", "fire"),
    "fault": Name("故障", "fault"),
    "shielded": Name("屏蔽", "shielded"),
    "supervisory": Name("监管", "supervisory"),
    "started": Name("启动", "started"),
    "feedback": Name("反馈", "feedback"),
    "delayed": Name("延时", "delayed"),
    "power_fault": Name("电源故障", "power fault"),
    "mains_fault": Name("主电故障", "mains fault"),
    "standby_fault": Name("备电故障", "standby power fault"),
    "bus_fault": Name("总线故障", "bus fault"),
    "manual": Name("手动", "manual"),
    "configuration_changed": Name("配置改变", "configuration changed"),
    "reset": Name("复位", "reset"),
    "centre_link_fault": Name("与监控中心通信故障", "fault of the link to the centre"),
    "line_fault": Name("监测线路故障", "fault of a monitored line"),
    "silence": Name("消音", "silenced"),
    "manual_alarm": Name("手动报警", "manual alarm"),
    "alarm_cleared": Name("警情消除", "alarm cleared"),
    "self_test": Name("自检", "self-test"),
    "confirm": Name("确认", "confirmed"),
    "duty_answer": Name("查岗应答", "duty check answered"),
    "test": Name("测试", "test"),
}
ANALOGS: Final = {  # table 6
    1: Analog(Name("事件计数", "events"), 1, "1"),
    2: Analog(Name("高度", "height"), 0.01, "m"),
    3: Analog(Name("温度", "temperature"), 0.1, "Cel", "temperature"),
    4: Analog(Name("压力", "pressure"), 0.1, "MPa"),
    5: Analog(Name("压力", "pressure"), 0.1, "kPa"),
    6: Analog(Name("气体浓度", "gas"), 0.1, "%LEL", "gas"),
    7: Analog(Name("时间", "time"), 1, "s"),
    8: Analog(Name("电压", "voltage"), 0.1, "V"),
    9: Analog(Name("电流", "current"), 0.1, "A"),
    10: Analog(Name("流量", "flow"), 0.1, "L/s"),
    11: Analog(Name("风量", "air flow"), 0.1, "m3/min"),
    12: Analog(Name("风速", "air speed"), 1, "m/s"),
}


def component_name(number: int) -> Name:
    """What a component of that type is called; 128 and more are the maker's own.

    >>> component_name(40).zh, component_name(200).en
    ('感烟火灾探测器', 'component of type 200')
    """
    return COMPONENTS.get(number) or Name(f"部件（类型 {number}）", f"component of type {number}")


def system_name(number: int) -> Name:
    """What a system of that type is called."""
    return SYSTEMS.get(number) or Name(f"系统（类型 {number}）", f"system of type {number}")


def states_of(bits: int, names: tuple[str, ...]) -> tuple[str, ...]:
    """The states whose bit is 1, without those the standard does not name.

    >>> states_of(0x0006, COMPONENT_STATES)
    ('fire', 'fault')
    """
    return tuple(name for number, name in enumerate(names) if bits >> number & 1)
