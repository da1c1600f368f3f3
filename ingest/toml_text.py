"""TOML as people and machines send it: whatever is wrong with a text is one kind of error."""

import tomllib
from typing import Any, Final

_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**63 - 1


def loads(text: str) -> dict[str, Any]:
    """The document in `text`. Raises tomllib.TOMLDecodeError.

    The standard library's reader lets other errors pass: a number of thousands of digits is a ValueError of Python's
    own, and what is nested a thousand levels deep ends the interpreter's stack. A whole number that 64 bits cannot hold
    it reads; TOML 1.0 has it refused, and no float is made of it.
    """
    try:
        text.encode()  # half a sign (a lone surrogate) is none, and could be neither kept nor hashed
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from error
    except (ValueError, OverflowError) as error:
        raise tomllib.TOMLDecodeError(str(error)) from error
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, int) and not _INT_MIN <= value <= _INT_MAX:
            raise tomllib.TOMLDecodeError("a whole number is beyond 64 bits")
    return document
