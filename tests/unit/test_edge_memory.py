"""Edge nodes over a start of the service."""

import sqlite3
from pathlib import Path

import pytest

from ingest import edge_memory
from ingest.edge_memory import EdgeMemory, dump, load
from ingest.edge_node import EdgeNode, Exchange, Known
from ingest.routes import Route
from ingest.spool import Spool
from tests.unit.engine_world import T0
from tests.unit.test_edge_node import BOOLEAN, DEVICE_BIRTH, INT64, NODE_BIRTH, YES, metric, payload, presence, told


def say(memory: EdgeMemory, rest: str, body: bytes) -> tuple[list[tuple[str, str, float]], dict[str, float]]:
    exchange = Exchange(memory.nodes)
    decoded = exchange.read(f"spBv1.0/home/{rest}", body, Route("sparkplug", "home", rest), T0)
    memory.adopt(exchange)
    return told(decoded), presence(decoded)


def test_an_alias_is_known_after_a_start_and_births_are_asked_for(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", 10_000_000)
    first = EdgeMemory(spool)
    say(first, "NBIRTH/gw", NODE_BIRTH)
    say(first, "DBIRTH/gw/dev", DEVICE_BIRTH)
    assert first.rebirths() == []
    first.save()

    second = EdgeMemory(spool)
    pressed = payload(metric(value=YES, datatype=BOOLEAN, alias=2), seq=200)
    assert say(second, "DDATA/gw/dev", pressed) == ([("gw/dev", "smoke_alarm", 1.0)], {})
    assert (second.rebirths(), second.rebirths()) == (["spBv1.0/home/NCMD/gw"], [])
    gone = {"gw": 0.0, "gw/dev": 0.0, "gw/dev/kitchen": 0.0}
    assert say(second, "NDEATH/gw", payload(metric("bdSeq", 7, INT64))) == ([], gone)
    second.save()
    assert EdgeMemory(spool).nodes == {}
    spool.close()


def test_only_births_and_deaths_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "spool.sqlite", 10_000_000)
    memory, written = EdgeMemory(spool), list[str]()
    monkeypatch.setattr(spool, "remember", lambda name, _body: written.append(name))
    for rest, body, count in (
        ("NBIRTH/gw", NODE_BIRTH, 1), ("NDATA/gw", payload(seq=1), 1), ("DDATA/gw/dev", payload(seq=2), 1),
        ("DBIRTH/gw/dev", DEVICE_BIRTH, 2), ("NDEATH/gw", payload(metric("bdSeq", 6, INT64)), 2),
        ("NDEATH/gw", payload(metric("bdSeq", 7, INT64)), 3), ("NDATA/other", payload(seq=1), 3),
    ):  # fmt: skip
        say(memory, rest, body)
        memory.save()
        memory.save()
        assert len(written) == count, rest
    spool.close()


def test_a_disk_that_refuses_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "spool.sqlite", 10_000_000)
    memory = EdgeMemory(spool)
    say(memory, "NBIRTH/gw", NODE_BIRTH)

    def full(name: str, body: bytes) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(spool, "remember", full)
        memory.save()
    memory.save()
    assert list(EdgeMemory(spool).nodes) == ["spBv1.0/home/gw"]
    spool.close()


def test_what_is_saved_is_bounded_and_comes_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = {7: Known("gw/dev", "smoke", BOOLEAN), ("gw", "co"): Known("gw", "co", None)}
    nodes = {
        "a": EdgeNode(born=True, seq=3, bd_seq=9, metrics=metrics), "asked": EdgeNode(asked_us=T0),
        "b": EdgeNode(born=True, metrics={1: Known("b", "x", None)}),
    }  # fmt: skip
    found = load(dump(nodes))
    assert found == {
        "a": EdgeNode(born=True, recalled=True, bd_seq=9, metrics=metrics),
        "b": EdgeNode(born=True, recalled=True, metrics={1: Known("b", "x", None)}),
    }
    monkeypatch.setattr(edge_memory, "SAVED_METRICS_MAX", 2)
    assert list(load(dump(nodes))) == ["a"]
    assert load(b"[0,[]]") == {}
