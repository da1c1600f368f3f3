"""Topics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.routes import SUBSCRIPTION, Route, route


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("anhu/v1/home-1/smk-1/readings", Route("native", "home-1", "smk-1")),
        ("anhu/v1/home-1/smk-1/senml", Route("senml", "home-1", "smk-1")),
        ("anhu/v1/home-1/senml", Route("senml", "home-1", None)),
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
    ],
)  # fmt: skip
def test_what_is_not(topic: str) -> None:
    assert route(topic) is None


@given(st.text())
def test_no_topic_makes_it_fail(topic: str) -> None:
    found = route(topic)
    assert found is None or found.institution


def test_every_route_is_subscribed() -> None:
    assert SUBSCRIPTION == "anhu/v1/#"
