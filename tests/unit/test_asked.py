"""What a shard's session is to hear follows the registry, however long the database takes."""

import threading
from collections.abc import Sequence
from typing import cast

import pytest

from ingest import asked as module
from ingest.asked import Asked
from ingest.errors import DatabaseUnavailable
from ingest.mqtt import Source
from ingest.registry import Institution, Registry
from ingest.routes import OWN_ROUTES
from ingest.shards import Shard
from tests.waiting import wait_until

SHARD = Shard(0, 2)
CODES = [f"home-{number}" for number in range(40)]
OWN = {f"anhu/v1/{code}/#" for code in CODES if SHARD.has(code)}


class Heard:
    """A source that notes what it is asked for, and says `refusals` times that it cannot be."""

    def __init__(self, refusals: int = 0) -> None:
        self.wanted: Sequence[str] = ()
        self.times = 0
        self.refusals = refusals

    def resubscribe(self, wanted: Sequence[str]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise ValueError("not this time")
        self.wanted = wanted
        self.times += 1


def registry(*codes: str) -> Registry:
    homes = [Institution(number, code, code, code, "nursing_home", "220322") for number, code in enumerate(codes, 1)]
    return Registry.build(1, homes, (), (), ())


def test_the_pipeline_does_not_wait_for_a_database_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()

    def connect(_url: str) -> None:
        answers.wait(30)
        raise DatabaseUnavailable("gone after all")

    monkeypatch.setattr(module, "connect", connect)
    heard = Heard()
    asked = Asked("", OWN_ROUTES, SHARD)
    asked.begun(cast("Source", heard))
    for known in range(1, len(CODES) + 1):  # would take twenty minutes, if each waited
        asked.registry_changed(registry(*CODES[:known]))
    assert not heard.wanted, "it is noted, or tried to be, before the broker is asked"
    answers.set()
    wait_until(lambda: set(heard.wanted) == OWN, "all of them are asked for")
    assert heard.times == 1, "what has changed meanwhile is asked for once"
    asked.end()


def test_what_could_not_be_asked_for_is_asked_for_with_the_next_change(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_url: str) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(module, "connect", connect)
    heard = Heard(refusals=1)
    asked = Asked("", OWN_ROUTES, SHARD)
    asked.begun(cast("Source", heard))
    asked.registry_changed(registry(*CODES))
    wait_until(lambda: heard.refusals == 0, "it was tried")
    wait_until(lambda: asked._failed, "and noted as failed")
    asked.registry_changed(registry(*CODES))  # of something else in the registry
    wait_until(lambda: set(heard.wanted) == OWN, "all of them are asked for")
    asked.end()
