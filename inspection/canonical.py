"""One way to write a JSON value, so that whoever has the value gets the same SHA-256: RFC 8785 for what is used here
(text, whole numbers, lists, objects): no spaces, keys in order, UTF-8 as it is."""

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """`value` as canonical JSON. Raises TypeError for what is no JSON, ValueError for NaN.

    >>> canonical({"b": [1, "养"], "a": None}).decode()
    '{"a":null,"b":[1,"养"]}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def sha256(value: Any) -> str:
    """The SHA-256 of `value` as canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()
