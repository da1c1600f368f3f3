"""A browser's User-Agent, cut down to what its owner knows it by: "Chrome · Windows". Pure.

Only this is kept: the header itself tells more of a person's device than a list of sessions needs.
"""

import re
from typing import Final

LENGTH_MAX: Final = 60
# The first that is found counts: a browser names those it descends from as well.
_BROWSERS: Final = (
    ("wxwork", "WeCom"), ("MicroMessenger", "WeChat"), ("DingTalk", "DingTalk"), ("Edg", "Edge"), ("OPR/", "Opera"),
    ("HuaweiBrowser", "Huawei Browser"), ("MiuiBrowser", "Mi Browser"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("HarmonyOS", "HarmonyOS"), ("OpenHarmony", "HarmonyOS"), ("iPhone", "iPhone"), ("iPad", "iPad"),
    ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip
_PROGRAM: Final = re.compile(r"[\w.+-]{1,40}")


def device_name(user_agent: str) -> str:
    """Browser and system; of a program only its name; "" where nothing can be told.

    >>> device_name("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0")
    'Edge · Windows'
    >>> device_name("python-httpx/0.28.1"), device_name("")
    ('python-httpx', '')
    """
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if browser is None and system is None:
        found = _PROGRAM.match(user_agent)
        return found[0] if found else ""
    return " · ".join(part for part in (browser, system) if part)[:LENGTH_MAX]
