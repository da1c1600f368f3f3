"""JSON as devices really send it."""

import json
import math

import orjson


class BadJson(ValueError):
    """The payload is not JSON."""


def loads(payload: bytes) -> object:
    """The payload as Python objects. Raises BadJson.

    orjson is strict; firmware that prints NaN or Infinity where a value failed is read a second time by the standard
    library, so that the good values beside it are kept.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        if b"NaN" not in payload and b"Infinity" not in payload:
            raise BadJson(str(error)) from error
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error)) from error


def as_float(number: float) -> float:
    """A JSON number as a float; infinity for an integer that is too large for one.

    >>> as_float(-(10**400))
    -inf
    """
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
