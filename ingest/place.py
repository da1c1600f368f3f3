"""Institutions and zones that somebody adds one at a time, and what is wrong with them. Purely."""

import re
from dataclasses import dataclass
from typing import Final

from ingest.registry import CODE_PATTERN, INSTITUTION_KINDS, ZONE_KINDS

NAME_LENGTH_MAX: Final = 200
REGION_PATTERN: Final = r"[0-9]{6}"  # a county's code, GB/T 2260
FLOOR_MIN, FLOOR_MAX = -9, 99
_CODE: Final = re.compile(CODE_PATTERN)
_REGION: Final = re.compile(REGION_PATTERN)


@dataclass(frozen=True, slots=True)
class NewInstitution:
    """An institution as somebody wants to add it; `region` is its county's code, GB/T 2260."""

    code: str
    name: str
    kind: str
    region: str
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class NewZone:
    """A zone as somebody wants to add it."""

    code: str
    name: str
    kind: str
    floor: int
    name_en: str = ""


def institution_problems(wanted: NewInstitution) -> list[str]:
    """What is wrong with `wanted`; nothing where it can be added.

    >>> institution_problems(NewInstitution("home 1", "安和养老院", "nursing_home", "220322"))
    ['code: letters, digits, - and _ only, at most 64']
    """
    found = _name_problems(wanted.code, wanted.name, wanted.name_en)
    if wanted.kind not in INSTITUTION_KINDS:
        found.append(f"kind: one of {', '.join(INSTITUTION_KINDS)}")
    if not _REGION.fullmatch(wanted.region):
        found.append("region: the six digits of its county (GB/T 2260)")
    return found


def zone_problems(wanted: NewZone) -> list[str]:
    """What is wrong with `wanted`; nothing where it can be added."""
    found = _name_problems(wanted.code, wanted.name, wanted.name_en)
    if wanted.kind not in ZONE_KINDS:
        found.append(f"kind: one of {', '.join(ZONE_KINDS)}")
    if not FLOOR_MIN <= wanted.floor <= FLOOR_MAX:
        found.append(f"floor: from {FLOOR_MIN} to {FLOOR_MAX}")
    return found


def _name_problems(code: str, name: str, name_en: str) -> list[str]:
    found = []
    if not _CODE.fullmatch(code):
        found.append("code: letters, digits, - and _ only, at most 64")
    if not 1 <= len(name.strip()) <= NAME_LENGTH_MAX:
        found.append(f"name: 1 to {NAME_LENGTH_MAX} characters")
    if len(name_en.strip()) > NAME_LENGTH_MAX:
        found.append(f"name_en: at most {NAME_LENGTH_MAX} characters")
    return found
