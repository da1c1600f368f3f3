"""The words of the reports, in Chinese and English."""

from collections.abc import Mapping
from typing import Final

from inspection.report import Language

_WORDS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "state": {
        "reported": ("待交办", "to assign"),
        "assigned": ("整改中", "being rectified"),
        "rectified": ("待复查", "to recheck"),
        "rechecked": ("待销号", "to close"),
        "closed": ("已销号", "closed"),
        "withdrawn": ("已撤回", "withdrawn"),
    },
    "level": {"general": ("一般", "general"), "major": ("重大", "major")},
    "supervisor": {"head": ("红", "red"), "deputy": ("黄", "yellow"), "department": ("蓝", "blue")},
    "category": {
        "fire": ("消防", "fire"),
        "electrical": ("用电", "electrical"),
        "gas": ("燃气", "gas"),
        "building": ("建筑", "building"),
        "equipment": ("设备", "equipment"),
        "food": ("食品", "food"),
        "management": ("管理", "management"),
        "service": ("服务", "service"),
        "other": ("其他", "other"),
    },
    "proposal": {
        "close": ("建议关闭", "closing proposed"),
        "suspend": ("建议停业", "suspension proposed"),
        "merge": ("建议合并", "merger proposed"),
        "convert": ("建议转型", "conversion proposed"),
    },
    "visit": {
        "daily_patrol": ("日巡查", "daily patrols"),
        "monthly_check": ("月检查", "monthly checks"),
        "self_check": ("自查", "self-checks"),
        "surprise": ("四不两直", "unannounced visits"),
        "random": ("双随机", "visits drawn at random"),
        "joint": ("联合检查", "joint inspections"),
        "expert": ("专家检查", "expert inspections"),
        "campaign": ("专项行动", "campaign inspections"),
    },
}


def word(of: str, name: str, language: Language) -> str:
    """What `name`, one of the values of `of`, is called. Raises KeyError.

    >>> word("level", "major", "zh"), word("supervisor", "head", "en")
    ('重大', 'red')
    """
    return _WORDS[of][name][language == "en"]


def either(language: Language, zh: str, en: str) -> str:
    """The text in that language."""
    return en if language == "en" else zh
