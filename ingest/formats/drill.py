"""The call for a drill (演练): a simulated alarm that goes the whole real way.

    {"drill_id": "…", "kind": "fire", "at": "2026-11-22T01:02:03.456789+00:00", "limit_s": 600.0, "reach": "all",
     "signature": "…"}

The signature is HMAC-SHA256 over everything in it and the place the topic names, with a key that only the service has:
a device cannot call for a drill, nor turn one of another place or time into its own.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from ingest.errors import BadTime, DrillMessageRefused
from ingest.formats.json_text import BadJson, loads
from ingest.reading import from_us, parse_time_us

FORMAT: Final = "drill"
AGE_US_MAX: Final = 300_000_000  # an older call, or one from the future, is not followed
LIMIT_S_MAX: Final = 3600.0
_WORD: Final = re.compile(r"[a-z][a-z_]{0,31}")


@dataclass(frozen=True, slots=True)
class Order:
    """What is called for: an alarm of `kind`, for at most `limit_s` seconds, that reaches as far as `reach` says
    (alerting.drill.Reach)."""

    drill_id: UUID
    kind: str
    at_us: int
    limit_s: float
    reach: str


class DrillCall(NamedTuple):
    """An order that is believed, with its place in the registry."""

    order: Order
    institution_id: int
    zone_id: int | None
    device_id: int | None


def encode(order: Order, institution: str, device: str | None, key: bytes) -> bytes:
    """The message for the topic of that place, signed."""
    return orjson.dumps(
        {
            "drill_id": str(order.drill_id),
            "kind": order.kind,
            "at": from_us(order.at_us).isoformat(timespec="microseconds"),
            "limit_s": order.limit_s,
            "reach": order.reach,
            "signature": _sign(order, institution, device, key),
        }
    )


def decode(payload: bytes, institution: str, device: str | None, received_at_us: int, key: bytes | None) -> Order:
    """The order in `payload`. Raises DrillMessageRefused for what we have not called for, here and now."""
    if key is None:
        raise DrillMessageRefused("the key that drills are signed with is not known yet")
    try:
        document = loads(payload)
    except BadJson as error:
        raise DrillMessageRefused(str(error)) from error
    order, signature = _read(document)
    expected = _sign(order, institution, device, key)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass")):
        raise DrillMessageRefused("the signature is not ours")
    if abs(received_at_us - order.at_us) > AGE_US_MAX:
        raise DrillMessageRefused(f"called for {(received_at_us - order.at_us) / 1e6:.0f} s before it arrived")
    return order


def _read(document: object) -> tuple[Order, str]:
    match document:
        case {
            "drill_id": str(number),
            "kind": str(kind),
            "at": str(at),
            "limit_s": int() | float() as limit_s,
            "reach": str(reach),
            "signature": str(signature),
        } if _WORD.fullmatch(kind) and _WORD.fullmatch(reach) and 0 < limit_s <= LIMIT_S_MAX:
            try:
                return Order(UUID(number), kind, parse_time_us(at), float(limit_s), reach), signature
            except (ValueError, BadTime) as error:
                raise DrillMessageRefused(str(error)) from error
        case _:
            raise DrillMessageRefused("not the shape of a drill")


def _sign(order: Order, institution: str, device: str | None, key: bytes) -> str:
    told = ["anhu drill 1", institution, device, str(order.drill_id), order.kind, order.at_us, order.limit_s,
            order.reach]  # fmt: skip
    return hmac.new(key, orjson.dumps(told), hashlib.sha256).hexdigest()
