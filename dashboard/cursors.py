"""Where in a list the next page begins, as a text that nobody needs to understand."""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from dashboard.errors import BadRequest


def encode(*parts: str | int) -> str:
    """A cursor of these parts."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode(cursor: str, *kinds: type[str] | type[int]) -> list[Any]:
    """The parts, each of its kind. Raises BadRequest for a text that is no cursor of such parts."""
    with of_this_list():
        parts = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
            raise ValueError(parts)
        if any(isinstance(part, str) and "\0" in part for part in parts):  # the database takes none
            raise ValueError(parts)
    return parts


@contextmanager
def of_this_list() -> Iterator[None]:
    """What cannot be made of a cursor's parts is told as BadRequest."""
    try:
        yield
    except (binascii.Error, ValueError, OverflowError) as error:
        raise BadRequest("the cursor is not one of this list") from error
