"""Which language the command line speaks: Chinese first, English complete beside it.

Only the standard library: the bootstrap runs this before anything is installed.
"""

import os
from collections.abc import Mapping
from enum import StrEnum


class Language(StrEnum):
    """A language of the command line."""

    ZH = "zh"
    EN = "en"


def language_of(env: Mapping[str, str]) -> Language:
    """The language the locale asks for; Chinese unless it names English."""
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return Language.EN if locale.lower().startswith("en") else Language.ZH


def text(zh: str, en: str, language: Language | None = None) -> str:
    """The one of two wordings that the reader (or the locale) asks for."""
    return zh if (language or language_of(os.environ)) is Language.ZH else en
