"""TOML as people and machines send it: whatever is wrong with a text is one kind of error."""

import tomllib
from typing import Any


def loads(text: str) -> dict[str, Any]:
    """The document in `text`. Raises tomllib.TOMLDecodeError.

    The standard library's reader lets other errors pass: a number of thousands of digits is a ValueError of Python's
    own, and what is nested a thousand levels deep ends the interpreter's stack.
    """
    try:
        text.encode()  # half a sign (a lone surrogate) is none, and could be neither kept nor hashed
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from error
    except (ValueError, OverflowError) as error:
        raise tomllib.TOMLDecodeError(str(error)) from error
