"""The demo's people are there once, however often it starts, and their phones show what is signed, once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from alerting import floor_plan_store, oncall_store, people_store
from alerting.channels import Letter, Poster, open_channels
from alerting.channels.webhook import signature
from alerting.delivery import Outcome
from alerting.people import Role
from alerting.settings import NotifySettings
from anhu import demo_house, demo_people, demo_phones
from anhu.commands import demo
from anhu.demo_phones import Phones
from dashboard import auth
from dashboard.errors import WrongCredentials
from ingest.database import connect
from tests.integration.dashboard_world import build

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 27, 6, 34, 58, tzinfo=UTC)


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def phones(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Phones]:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    with Phones(shown.append, lambda: NOW) as running:
        running.owners = {7: "演示·安全员（安和养老院）"}
        yield running


def letter(phones: Phones, person_id: int, *, number: int = 1, body: str = "浓烟\n已通知：甲") -> Letter:
    return Letter(
        UUID(int=number), 1, phones.address(person_id), "【火警】厨房", body, "http://127.0.0.1:1/a/token", "zh",
        "alone", 0, drill=False, alert_id=None,
    )  # fmt: skip


def test_a_push_by_the_real_channel_shows_as_the_phone_would(
    phones: Phones, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in demo._phone_settings({}).items():
        monkeypatch.setenv(name, value)
    settings = NotifySettings()
    poster = Poster(5, settings.webhook_networks_allowed)
    try:
        channel = open_channels(settings, poster)["webhook"]
        channel.check(phones.address(7))
        answers = [channel.send(letter(phones, 7)).outcome for _ in range(2)]  # the second is a repetition
        assert answers == [Outcome.SENT, Outcome.SENT]
        assert shown[0].splitlines() == [
            "14:34:58 手机上会看到 → 演示·安全员（安和养老院）", "    │ 【火警】厨房", "    │ 浓烟", "    │ 已通知：甲",
            "    │ 确认链接 http://127.0.0.1:1/a/token",
        ]  # fmt: skip
        assert len(shown) == 1
        long = letter(phones, 7, number=2, body="\n".join(map(str, range(99))))
        assert channel.send(long).outcome is Outcome.SENT
        assert shown[1].splitlines()[-2:] == ["    │ …", "    │ 确认链接 http://127.0.0.1:1/a/token"]
    finally:
        poster.close()


def test_what_is_not_signed_with_this_starts_secret_is_not_shown(phones: Phones, shown: list[str]) -> None:
    body = json.dumps({"title": "x", "text": "y", "link": None}).encode()
    secret = phones.address(7).rpartition("#")[2]
    signed = {"X-Anhu-Timestamp": "1", "X-Anhu-Signature": signature(secret, "1", body)}
    assert (
        phones.take("/phone/7", signed | {"X-Anhu-Signature": signature("another-secret-of", "1", body)}, body) == 401
    )
    assert phones.take("/phone/7", {}, body) == 401
    assert phones.take("/phone/7", signed, body + b" ") == 401
    assert phones.take("/elsewhere", signed, body) == 404
    broken = b"[]"
    assert phones.take("/phone/7", signed | {"X-Anhu-Signature": signature(secret, "1", broken)}, broken) == 400
    assert shown == []
    assert phones.take("/phone/7", signed, body) == 200
    assert len(shown) == 1


def test_the_phones_are_at_one_address_that_can_be_allowed(phones: Phones) -> None:
    assert phones.address(7).startswith(f"http://{demo_phones.HOST}:")
    assert demo_phones.NETWORK.startswith(demo_phones.HOST)


def test_starting_again_changes_passwords_and_phones_and_nobody(database_url: str) -> None:
    world = build(database_url)
    found = []
    for port in (1, 2):
        with connect(database_url) as connection:
            told = demo_people.seed(connection, lambda number, p=port: f"http://127.0.0.1:{p}/phone/{number}#s", NOW)
            demo_house.draw_plans(connection, world.home)
        found.append(told)
    first, second = found
    assert first.owners == second.owners
    assert [each.username for each in first.sign_ins] == ["zhiban", "zhiban2", "anquan", "yuanzhang", "jianguan"]
    assert not {each.password for each in first.sign_ins} & {each.password for each in second.sign_ins}
    with world.connect() as connection:
        people = people_store.persons(connection)
        contacts = people_store.contacts(connection)
        rotations = oncall_store.rotations(connection)
        plans = floor_plan_store.plans(connection, world.home)
        user = auth.check_credentials(connection, "anquan", second.sign_ins[2].password)
        with pytest.raises(WrongCredentials):
            auth.check_credentials(connection, "anquan", first.sign_ins[2].password)
    assert user.person.scope.institution_id == world.home
    # four in each of the two institutions, one supervisor of the county, the administrator
    assert len(people) == len(second.owners) == 10
    assert {(each.person_id, ":2/" in each.address) for each in contacts} == {(each.id, True) for each in people}
    assert all(each.name.startswith("演示·") for each in people if each.role is not Role.ADMINISTRATOR)
    assert [each.scope.institution_id for each in rotations] == [world.home, world.station]
    assert [(each.floor, len(each.marks)) for each in plans] == [(1, 1), (2, 1)]
