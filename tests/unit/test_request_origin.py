"""Which requests may change something, told from their headers; cursors; the settings' lists."""

import uuid
from datetime import UTC, datetime

import pytest
from starlette.datastructures import Headers

from alerting.listing import Position, Which
from dashboard import cursors
from dashboard.errors import BadRequest
from dashboard.request_origin import origin_permitted
from dashboard.routers.alerts import decode_cursor, encode_cursor
from dashboard.settings import DashboardSettings


@pytest.mark.parametrize(
    ("headers", "permitted"),
    [
        ({"host": "anhu.example:8460", "origin": "http://anhu.example:8460"}, True),
        ({"host": "anhu.example", "origin": "https://ANHU.example"}, True),
        ({"host": "anhu.example:8460", "origin": "http://anhu.example:8461"}, False),
        ({"host": "anhu.example", "origin": "https://evil.example"}, False),
        ({"host": "anhu.example", "origin": "https://anhu.example.evil.example"}, False),
        ({"host": "anhu.example", "origin": "null"}, False),
        ({"host": "", "origin": ""}, False),
        ({"host": "inner:8460", "origin": "https://care.example"}, True),  # in the list
        ({"host": "anhu.example"}, True),  # no browser
        ({"host": "anhu.example", "sec-fetch-site": "cross-site"}, False),
        ({"host": "anhu.example", "sec-fetch-site": "same-site"}, False),
        ({"host": "anhu.example", "sec-fetch-site": "same-origin"}, True),
    ],
)
def test_origins(headers, permitted):
    assert origin_permitted(Headers(headers), ["https://care.example"]) is permitted


def test_a_cursor_comes_back_as_it_went():
    position = Position(2, datetime(2026, 11, 22, 1, 2, 3, 456789, UTC), uuid.uuid4())
    assert decode_cursor(encode_cursor(position, Which.OPEN), Which.OPEN) == position


ID = "6f1c0d1e-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "====", "AAAA", "é", cursors.encode("open", 1, 2), cursors.encode("open", "1", 2, ID),
        cursors.encode("open", 1, 2, "no id"), cursors.encode("open", -1, 2, ID), cursors.encode("open", 2**31, 2, ID),
        cursors.encode("open", 1, 2**62, ID), cursors.encode("open\0", 1, 2, ID),
    ],
)  # fmt: skip
def test_a_made_up_cursor_is_refused(cursor):
    with pytest.raises(BadRequest):
        decode_cursor(cursor, Which.OPEN)


def test_a_cursor_of_another_list_is_refused():
    cursor = encode_cursor(Position(0, datetime(2026, 11, 22, tzinfo=UTC), uuid.uuid4()), Which.ALL)
    with pytest.raises(BadRequest):
        decode_cursor(cursor, Which.OPEN)


def test_lists_can_be_written_in_the_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANHU_DASHBOARD_ALLOWED_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("ANHU_DASHBOARD_METRICS_NETWORKS", "10.0.0.0/8")
    settings = DashboardSettings()
    assert settings.allowed_origins == ["https://a.example", "https://b.example"]
    assert [str(network) for network in settings.metrics_networks] == ["10.0.0.0/8"]
