"""Topics: which format a message is in, and which institution and device it speaks for.

A route is a topic filter with named places, `zigbee2mqtt/{device}`, and what its messages are. Anhu's own are built in;
an installer adds those of gateways in a file (ingest/route_file.py). Where several fit a topic, the first one counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, Self

PREFIX: Final = "anhu/v1"
SUBSCRIPTION: Final = f"{PREFIX}/#"
TOPIC_LENGTH_MAX: Final = 256  # two codes of 64 characters and a gateway's own words
LEVELS_MAX: Final = 10  # of a filter
DEVICE: Final = "{device}"
DEVICE_DEEP: Final = "{device*}"  # one level or several: names of devices may hold a slash
INSTITUTION: Final = "{institution}"
_ONE: Final = frozenset(("+", DEVICE, INSTITUTION))  # these take one level, whatever it is
_MANY: Final = frozenset(("#", DEVICE_DEEP))  # and these one or more
_PATTERNS: Final = {
    "+": "[^/]*",
    "#": ".*",
    DEVICE: "(?P<device>[^/]+)",
    DEVICE_DEEP: "(?P<device>.+)",
    INSTITUTION: "(?P<institution>[^/]+)",
}
NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


class Route(NamedTuple):
    """What a topic says; `device` is None where one message speaks for several. `names`: which quantity a property of
    the message is, beyond those its format knows."""

    format: str
    institution: str
    device: str | None
    names: Mapping[str, str] = NO_NAMES


@dataclass(frozen=True, slots=True)
class Filter:
    """A topic filter of MQTT, in which a level may be a named place: `{institution}`, `{device}`, or `{device*}`, which
    takes one or more levels."""

    levels: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with what is wrong with `text`.

        >>> Filter.parse("zigbee2mqtt/{device*}/availability").subscription
        'zigbee2mqtt/#'
        """
        levels = tuple(text.split("/"))
        if problem := _problem(text, levels):
            raise ValueError(problem)
        return cls(levels)

    def __str__(self) -> str:
        return "/".join(self.levels)

    @property
    def subscription(self) -> str:
        """What to ask the broker for: as much as this takes, or more where MQTT cannot say it."""
        plain: list[str] = []
        for level in self.levels:
            if level in _MANY:
                return "/".join([*plain, "#"])
            plain.append("+" if level in _ONE else level)
        return "/".join(plain)

    def pattern(self) -> re.Pattern[str]:
        """A regular expression that fits exactly the topics this takes."""
        return re.compile("/".join(_PATTERNS.get(level) or re.escape(level) for level in self.levels), re.DOTALL)

    def covers(self, other: "Filter") -> bool:
        """Whether this takes every topic that `other` takes."""
        return not self.apart(other) and all(
            (mine := self.shape(len(theirs))) is not None
            and all(one is None or one == another for one, another in zip(mine, theirs, strict=True))
            for theirs in other.shapes()
        )

    def overlaps(self, other: "Filter") -> bool:
        """Whether some topic is taken by both."""
        return not self.apart(other) and any(
            (mine := self.shape(len(theirs))) is not None
            and all(one is None or another is None or one == another for one, another in zip(mine, theirs, strict=True))
            for theirs in other.shapes()
        )

    def apart(self, other: "Filter") -> bool:
        """Whether a level that both name tells them apart at once, as it does with most."""
        for one, another in zip(self.levels, other.levels, strict=False):
            if one in _MANY or another in _MANY:
                return False
            if one != another and one not in _ONE and another not in _ONE:
                return True
        return False

    def shape(self, count: int) -> list[str | None] | None:
        """What the topics of `count` levels look like that this takes, None for any level; None where it takes none."""
        many = next((place for place, level in enumerate(self.levels) if level in _MANY), None)
        more = count - len(self.levels)
        if more < 0 or (more and many is None):
            return None
        plain = [None if level in _ONE or level in _MANY else level for level in self.levels]
        return plain if many is None else [*plain[:many], *[None] * (more + 1), *plain[many + 1 :]]

    def shapes(self) -> Iterator[list[str | None]]:
        """What the topics look like that this takes, the shortest first. Beyond twice the levels that any filter may
        have, one level more tells nothing new."""
        many = not _MANY.isdisjoint(self.levels)
        for count in range(len(self.levels), (2 * LEVELS_MAX if many else len(self.levels)) + 1):
            if (found := self.shape(count)) is not None:
                yield found


def _problem(text: str, levels: tuple[str, ...]) -> str | None:
    """What is wrong with a filter, None for nothing."""
    if not text or len(text) > TOPIC_LENGTH_MAX:
        return f"a topic has from 1 to {TOPIC_LENGTH_MAX} characters"
    if len(levels) > LEVELS_MAX:
        return f"a topic has at most {LEVELS_MAX} levels"
    if "\0" in text or text.startswith("$"):
        return "a topic does not begin with $, and holds no NUL"
    for level in levels:
        if level not in _PATTERNS and set(level) & set("+#{}"):
            places = f"{INSTITUTION}, {DEVICE}, {DEVICE_DEEP}, + or #"
            return f"{level!r}: a place stands for a whole level and is one of {places}"
    if "#" in levels[:-1]:
        return "# stands at the end only"
    if sum(level in _MANY for level in levels) > 1 or {DEVICE, DEVICE_DEEP} <= set(levels):
        return f"{DEVICE_DEEP} and # cannot be told apart, and a device is named once"
    if any(levels.count(place) > 1 for place in (DEVICE, INSTITUTION)):
        return "a place stands once"
    return None


@dataclass(frozen=True, slots=True)
class RouteRule:
    """One route: messages on topics that fit `filter` are in `format`. `institution` is "" where the topic names it."""

    filter: Filter
    format: str
    institution: str = ""
    names: Mapping[str, str] = field(default_factory=lambda: NO_NAMES)


class Routes:
    """All routes of a pipeline."""

    def __init__(self, rules: Iterable[RouteRule] = ()) -> None:
        self.rules = (*_BUILT_IN, *rules)
        self._patterns = [(rule.filter.pattern(), rule) for rule in self.rules]
        self._remembered = lru_cache(maxsize=262_144)(self._look_up)

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The filters to subscribe to; none that another one covers, for some brokers would send a message twice."""
        filters = [Filter.parse(each) for each in dict.fromkeys(rule.filter.subscription for rule in self.rules)]
        filters.insert(0, _OWN)
        kept: list[Filter] = []
        for each in filters:
            if not any(other != each and other.covers(each) for other in filters) and each not in kept:
                kept.append(each)
        return tuple(map(str, kept))

    def find(self, topic: str) -> Route | None:
        """The route of `topic`, None for one nobody publishes on."""
        return self._remembered(topic) if len(topic) <= TOPIC_LENGTH_MAX else None  # nor is it worth remembering

    def _look_up(self, topic: str) -> Route | None:
        for pattern, rule in self._patterns:
            if found := pattern.fullmatch(topic):
                places = found.groupdict()
                institution = places.get("institution") or rule.institution
                return Route(rule.format, institution, places.get("device"), rule.names)
        return None


_OWN: Final = Filter.parse(SUBSCRIPTION)
_BUILT_IN: Final = tuple(
    RouteRule(Filter.parse(f"{PREFIX}/{topic}"), format_)
    for topic, format_ in (
        ("{institution}/{device}/readings", "native"),
        ("{institution}/{device}/senml", "senml"),
        ("{institution}/{device}/acceleration", "acceleration"),
        ("{institution}/{device}/radar", "radar"),
        ("{institution}/senml", "senml"),
        ("{institution}/{device}/drill", "drill"),
        ("{institution}/drill", "drill"),
    )
)
OWN_ROUTES: Final = Routes()


def route(topic: str) -> Route | None:
    """The route of one of Anhu's own topics, None for any other.

    >>> route("anhu/v1/home-1/smoke-3/readings")
    Route(format='native', institution='home-1', device='smoke-3', names=mappingproxy({}))
    >>> route("anhu/v1/home-1/drill").device
    """
    return OWN_ROUTES.find(topic)


def is_own(filter_: Filter) -> bool:
    """Whether a filter takes topics that are Anhu's own."""
    return _OWN.overlaps(filter_)


def drill_topic(institution: str, device: str | None) -> str:
    """Where a drill of that device, or of the institution as a whole, is called for."""
    return f"{PREFIX}/{institution}/{device}/drill" if device else f"{PREFIX}/{institution}/drill"
