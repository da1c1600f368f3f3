"""Topics: which format a message is in, and which institution and device it speaks for."""

from functools import lru_cache
from typing import Final, NamedTuple

PREFIX: Final = "anhu/v1"
SUBSCRIPTION: Final = f"{PREFIX}/#"
TOPIC_LENGTH_MAX: Final = 160  # two codes of 64 characters and our own words; nothing longer is ours


class Route(NamedTuple):
    """What a topic says; `device` is None where one message speaks for several."""

    format: str
    institution: str
    device: str | None


def route(topic: str) -> Route | None:
    """The route of `topic`, None for one nobody publishes on.

    >>> route("anhu/v1/home-1/smoke-3/readings")
    Route(format='native', institution='home-1', device='smoke-3')
    >>> route("anhu/v1/home-1/smoke-3/drill")
    Route(format='drill', institution='home-1', device='smoke-3')
    >>> route("anhu/v1/home-1/watch-3/acceleration")
    Route(format='acceleration', institution='home-1', device='watch-3')
    >>> route("anhu/v1/home-1/senml")
    Route(format='senml', institution='home-1', device=None)
    """
    return _route(topic) if len(topic) <= TOPIC_LENGTH_MAX else None  # nor is a longer one worth remembering


@lru_cache(maxsize=262_144)
def _route(topic: str) -> Route | None:
    match topic.split("/"):
        case ["anhu", "v1", institution, device, "readings"] if institution and device:
            return Route("native", institution, device)
        case ["anhu", "v1", institution, device, "senml"] if institution and device:
            return Route("senml", institution, device)
        case ["anhu", "v1", institution, device, "acceleration"] if institution and device:
            return Route("acceleration", institution, device)
        case ["anhu", "v1", institution, "senml"] if institution:
            return Route("senml", institution, None)
        case ["anhu", "v1", institution, device, "drill"] if institution and device:
            return Route("drill", institution, device)
        case ["anhu", "v1", institution, "drill"] if institution:
            return Route("drill", institution, None)
        case _:
            return None


def drill_topic(institution: str, device: str | None) -> str:
    """Where a drill of that device, or of the institution as a whole, is called for."""
    return f"{PREFIX}/{institution}/{device}/drill" if device else f"{PREFIX}/{institution}/drill"
