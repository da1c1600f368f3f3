"""Topics."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.routes import OWN_ROUTES, Filter, Route, RouteRule, Routes, route


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("anhu/v1/home-1/smk-1/readings", Route("native", "home-1", "smk-1")),
        ("anhu/v1/home-1/smk-1/senml", Route("senml", "home-1", "smk-1")),
        ("anhu/v1/home-1/senml", Route("senml", "home-1", None)),
        ("anhu/v1/home-1/radar-1/radar", Route("radar", "home-1", "radar-1")),
        ("anhu/v1/home-1/watch-3/acceleration", Route("acceleration", "home-1", "watch-3")),
        ("anhu/v1/home-1/smoke-3/drill", Route("drill", "home-1", "smoke-3")),
        ("anhu/v1/home-1/drill", Route("drill", "home-1", None)),
        ("anhu/v1/senml/senml", Route("senml", "senml", None)),
        ("anhu/v1/安和/烟感/readings", Route("native", "安和", "烟感")),
    ],
)
def test_what_is_read(topic: str, expected: Route) -> None:
    assert route(topic) == expected


@pytest.mark.parametrize(
    "topic",
    [
        "", "anhu", "anhu/v1", "anhu/v1/", "anhu/v1/home-1", "anhu/v1/home-1/", "anhu/v1//senml", "anhu/v1//x/readings",
        "anhu/v1/home-1//readings", "anhu/v1/home-1/x/readings/", "anhu/v2/home-1/x/readings",
        "anhu/v1/home-1/readings", "/anhu/v1/home-1/x/readings", "anhu/v1/home-1/x/y/readings", "anhu/v1/h/x/Readings",
        "anhu/v1/home-1/x/readings\n", f"anhu/v1/home-1/{'x' * 300}/readings", "zigbee2mqtt/x",
    ],
)  # fmt: skip
def test_what_is_not(topic: str) -> None:
    assert route(topic) is None


@given(st.text())
def test_no_topic_makes_it_fail(topic: str) -> None:
    found = route(topic)
    assert found is None or found.institution


@pytest.mark.parametrize(
    ("filter_", "institution", "topic", "expected"),
    [
        ("zigbee2mqtt/{device}", "home-1", "zigbee2mqtt/厨房 烟感", ("home-1", "厨房 烟感")),
        ("zigbee2mqtt/{device}", "home-1", "zigbee2mqtt/kitchen/smoke", None),
        ("zigbee2mqtt/{device*}", "home-1", "zigbee2mqtt/kitchen/smoke", ("home-1", "kitchen/smoke")),
        ("z/{device*}/availability", "home-1", "z/kitchen/smoke/availability", ("home-1", "kitchen/smoke")),
        ("z/{device*}/availability", "home-1", "z/availability", None),
        ("application/+/device/{device}/event/up", "h", "application/17/device/01/event/up", ("h", "01")),
        ("homes/{institution}/z/{device}", "", "homes/anhe/z/0x00158d0001dc126a", ("anhe", "0x00158d0001dc126a")),
        ("a.b/{device}", "h", "aXb/d", None),
        ("p/{institution}/#", "", "p/h/any/thing", ("h", None)),
    ],
)
def test_places_are_found_in_the_topic(
    filter_: str, institution: str, topic: str, expected: tuple[str, str | None] | None
) -> None:
    found = Routes([RouteRule(Filter.parse(filter_), "senml", institution)]).find(topic)
    assert (found and (found.institution, found.device)) == expected


def test_the_first_that_fits_counts_and_our_own_come_first() -> None:
    rules = [
        RouteRule(Filter.parse("z/bridge/#"), "ignore"),
        RouteRule(Filter.parse("z/{device*}"), "zigbee2mqtt", "home-1"),
    ]
    routes = Routes(rules)
    assert [each and each.format for each in map(routes.find, ["z/bridge/state", "z/bridge", "anhu/v1/h/senml"])] == [
        "ignore", "zigbee2mqtt", "senml",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "$SYS/x", "$share/g/z", "a/{other}", "a/home-{institution}", "a/b+", "a/#/b", "a/{device}/{device}",
        "a/{device*}/{device*}", "a/{device*}/#", "a/{device}/x/{device*}", "a\0b", "x" * 257, "/".join("abcdefghijk"),
    ],
)  # fmt: skip
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Filter.parse(text)


def test_what_is_subscribed() -> None:
    assert OWN_ROUTES.subscriptions == ("anhu/v1/#",)
    topics = ("z/{device}/availability", "z/{device*}", "a/{institution}/{device}", "a/+/+", "b/x", "a/+/c/#")
    rules = [RouteRule(Filter.parse(each), "senml", "h") for each in topics]
    assert Routes(rules).subscriptions == ("anhu/v1/#", "z/#", "a/+/+", "b/x", "a/+/c/#")


levels = st.sampled_from(["a", "b", "+", "{device}", "{institution}"])
filters = st.builds(
    lambda before, many, after: "/".join([*before, *many, *after]),
    st.lists(levels, max_size=3), st.sampled_from([[], ["{device*}"]]), st.lists(st.sampled_from("ab"), max_size=2),
)  # fmt: skip


def parsed(text: str) -> Filter | None:
    try:
        return Filter.parse(text)
    except ValueError:
        return None


topics = st.lists(st.sampled_from("abc"), min_size=1, max_size=7).map("/".join)


@given(filters.map(parsed), filters.map(parsed), st.lists(topics, max_size=30))
def test_covering_and_overlapping_are_true_of_every_topic(
    one: Filter | None, other: Filter | None, tried: list[str]
) -> None:
    if one is None or other is None:
        return
    for topic in tried:
        first, second = (bool(re.fullmatch(each.pattern(), topic)) for each in (one, other))
        if first and second:
            assert one.overlaps(other)
            assert other.overlaps(one)
        if one.covers(other) and second:
            assert first
        assert not first or mqtt_takes(one.subscription, topic)


def test_what_covers_and_what_overlaps() -> None:
    assert Filter.parse("z/{device*}").covers(Filter.parse("z/{device}/availability"))
    assert not Filter.parse("z/{device}").covers(Filter.parse("z/{device*}"))
    assert not Filter.parse("z/{device}/up").overlaps(Filter.parse("z/{device}/down"))
    assert Filter.parse("{institution}/x").overlaps(Filter.parse("z/{device}"))


def mqtt_takes(subscription: str, topic: str) -> bool:
    """As the standard has it (MQTT 5.0 §4.7.1)."""
    wanted, given = subscription.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(given) or level not in ("+", given[place]):
            return False
    return len(wanted) == len(given)
