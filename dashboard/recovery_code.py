"""Recovery codes: each lets one in once in place of an authenticator's code. Pure but for the drawing of them.

A code has 79 random bits, so that guessing needs no slowing down and a plain SHA-256 keeps it.
"""

import hashlib
import secrets
from typing import Final

COUNT: Final = 10
LENGTH_MAX: Final = 32  # as typed
# Letters and digits that cannot be taken for one another.
_READABLE: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LENGTH = 4, 4


def draw() -> list[str]:
    """COUNT new codes, all different."""
    codes: set[str] = set()
    while len(codes) < COUNT:
        groups = ("".join(secrets.choice(_READABLE) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
        codes.add("-".join(groups))
    return sorted(codes)


def code_sha256(code: str) -> bytes:
    """What the database knows of a code, however it is capitalised, spaced or hyphenated.

    >>> code_sha256("ABCD efgh-jkmn-pqrs") == code_sha256("abcdefghjkmnpqrs")
    True
    """
    plain = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()
