"""Sparkplug B: payloads, and what they mean one after another. Messages are put together here from the field numbers of
the specification (Eclipse Sparkplug 3.0, §6.4), byte by byte, and not by the library that reads them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import edge_node
from ingest.edge_node import NODES_MAX, REBIRTH_US_MIN, EdgeNode, Exchange
from ingest.errors import Refusal
from ingest.formats import sparkplug
from ingest.formats.sparkplug import METRICS_MAX, Metric
from ingest.reading import Decoded, Rejection, Sample
from ingest.routes import Route
from tests.unit.engine_world import T0, S

AT_MS = T0 // 1000
INT8, INT32, INT64, FLOAT, DOUBLE, BOOLEAN, STRING = 1, 3, 4, 9, 10, 11, 12


def varint(number: int) -> bytes:
    found = b""
    while True:
        number, low = number >> 7, number & 0x7F
        found += bytes([low | 0x80 if number else low])
        if not number:
            return found


def field(number: int, value: int | bytes) -> bytes:
    """A field as a varint, or as bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed(number: int, value: bytes) -> bytes:
    return varint(number << 3 | (5 if len(value) == 4 else 1)) + value


YES, NO = True, False


def value_of(value: object, datatype: int) -> bytes:
    if isinstance(value, str):
        return field(15, value.encode())
    if isinstance(value, bool):
        return field(14, int(value))
    assert isinstance(value, int | float)
    if datatype == FLOAT:
        return fixed(12, struct.pack("<f", value))
    if datatype == DOUBLE:
        return fixed(13, struct.pack("<d", value))
    if datatype == INT64:
        return field(11, int(value) & (1 << 64) - 1)
    return field(10, int(value) & (1 << 32) - 1)


def metric(
    name: str = "", value: object = None, datatype: int = FLOAT, *, alias: int | None = None, at_ms: int | None = None
) -> bytes:
    body = field(1, name.encode()) if name else b""
    body += field(2, alias) if alias is not None else b""
    body += field(3, at_ms) if at_ms is not None else b""
    body += field(4, datatype) if name else b""
    # Metadata (8) and properties (9), which nobody reads.
    body += field(8, field(1, 1)) + field(9, b"")
    return body + (field(7, 1) if value is None else value_of(value, datatype))


def payload(*metrics: bytes, seq: int | None = None, at_ms: int | None = AT_MS) -> bytes:
    body = field(1, at_ms) if at_ms is not None else b""
    body += b"".join(field(2, each) for each in metrics)
    return body + (field(3, seq) if seq is not None else b"") + field(4, b"a uuid") + field(5, b"a body")


NODE_BIRTH = payload(
    metric("bdSeq", 7, INT64), metric("Node Control/Rebirth", NO, BOOLEAN), metric("Properties/hw", "v1", STRING),
    metric("temperature", -5, INT8, alias=1), seq=0,
)  # fmt: skip
DEVICE_BIRTH = payload(metric("smoke", NO, BOOLEAN, alias=2), metric("kitchen/gas_leak", NO, BOOLEAN, alias=3), seq=1)


class World:
    """A host that has taken so many batches, each of one message."""

    def __init__(self, names: dict[str, str] | None = None) -> None:
        self.nodes: dict[str, EdgeNode] = {}
        self.asked: list[str] = []
        self.names = names or {}

    def say(self, rest: str, body: bytes, second: float = 0) -> Decoded:
        exchange = Exchange(self.nodes)
        where = Route("sparkplug", "home", rest, self.names)
        decoded = exchange.read(f"spBv1.0/home/{rest}", body, where, T0 + round(second * S))
        edge_node.adopt(self.nodes, exchange.changed)
        self.asked += exchange.rebirths
        return decoded


@pytest.fixture
def born() -> World:
    world = World()
    world.say("NBIRTH/gw", NODE_BIRTH)
    world.say("DBIRTH/gw/dev", DEVICE_BIRTH)
    return world


def told(decoded: Decoded) -> list[tuple[str, str, float]]:
    return [(each.device, each.quantity, each.value) for each in decoded.samples if each.quantity != "alive"]


def presence(decoded: Decoded) -> dict[str, float]:
    return {each.device: each.value for each in decoded.samples if each.quantity == "alive"}


def reasons(decoded: Decoded) -> list[str]:
    return [each.reason.value for each in decoded.rejections]


def test_a_payload_is_read() -> None:
    found = sparkplug.decode(payload(
        metric("a", 1.5, FLOAT, alias=300, at_ms=AT_MS - 1), metric("b", -2.25, DOUBLE), metric("c", YES, BOOLEAN),
        metric("d", "x", STRING), metric("e"), metric(value=4_000_000_000, datatype=INT32, alias=2), seq=255,
    ))  # fmt: skip
    assert found == sparkplug.Payload(AT_MS, 255, (
        Metric("a", 300, AT_MS - 1, FLOAT, 1.5), Metric("b", None, None, DOUBLE, -2.25),
        Metric("c", None, None, BOOLEAN, YES), Metric("d", None, None, STRING, "x"),
        Metric("e", None, None, FLOAT, None), Metric("", 2, None, None, 4_000_000_000),
    ))  # fmt: skip


def test_the_request_for_a_rebirth_is_a_command_in_full() -> None:
    name = b"Node Control/Rebirth"
    expected = field(1, AT_MS) + field(2, field(1, name) + field(3, AT_MS) + field(4, BOOLEAN) + field(14, 1))
    assert sparkplug.rebirth(AT_MS) == expected


@pytest.mark.parametrize("body", [b"\xff\xff", field(2, b"\x0a\xff"), b"\x0b" * 300])
def test_what_is_no_payload(body: bytes) -> None:
    found = sparkplug.decode(body)
    assert isinstance(found, Rejection)
    assert found.reason is Refusal.BAD_SHAPE


def test_a_name_that_is_no_text_is_nobody_known() -> None:
    body = field(2, field(1, b"smoke\xff") + field(15, b"\xff") + field(4, STRING))
    assert World().say("NBIRTH/gw", body) == Decoded([], [])


def test_a_payload_is_bounded() -> None:
    found = sparkplug.decode(payload(*[field(2, 1)] * (METRICS_MAX + 1)))
    assert isinstance(found, Rejection)
    assert found.reason is Refusal.TOO_LARGE


def test_births_tell_values_and_aliases(born: World) -> None:
    world = World()
    first = world.say("NBIRTH/gw", NODE_BIRTH)
    assert first.samples == [Sample("gw", "alive", T0, 1.0), Sample("gw", "temperature", T0, -5.0)]
    second = world.say("DBIRTH/gw/dev", DEVICE_BIRTH)
    assert told(second) == [("gw/dev", "smoke_alarm", 0.0), ("gw/dev/kitchen", "gas_alarm", 0.0)]
    data = payload(metric(value=True, datatype=BOOLEAN, alias=2, at_ms=AT_MS + 250), seq=2)
    third = world.say("DDATA/gw/dev", data, 1)
    assert third.samples == [Sample("gw/dev", "smoke_alarm", T0 + 250_000, 1.0)]
    # The alias of the node, in the sense of the datatype its birth gave it; and of the birth's name.
    fourth = world.say("NDATA/gw", payload(metric(value=-12, datatype=INT8, alias=1), seq=3))
    assert told(fourth) == [("gw", "temperature", -12.0)]
    fifth = world.say("DDATA/gw/dev", payload(metric("smoke", NO, BOOLEAN), seq=4))
    assert told(fifth) == [("gw/dev", "smoke_alarm", 0.0)]
    assert (world.asked, [reasons(each) for each in (first, second, third, fourth, fifth)]) == ([], [[]] * 5)


def test_without_a_time_the_arrival_counts() -> None:
    body = payload(metric("humidity", 50.0), seq=0, at_ms=None)
    assert {each.measured_at_us for each in World().say("NBIRTH/gw", body, 2).samples} == {T0 + 2 * S}


def test_names_of_a_route_by_the_whole_name_or_its_last_part() -> None:
    world = World({"Inputs/3": "smoke_alarm", "T": "temperature"})
    body = payload(
        metric("Inputs/3", "alarm", STRING), metric("room/T", 21.5), metric("Inputs/4", "alarm", STRING), seq=0
    )
    assert told(world.say("NBIRTH/gw", body)) == [("gw/Inputs", "smoke_alarm", 1.0), ("gw/room", "temperature", 21.5)]


def test_after_a_gap_the_values_count_and_a_rebirth_is_asked_for(born: World) -> None:
    lost = payload(metric(value=True, datatype=BOOLEAN, alias=2), seq=4)
    decoded = born.say("DDATA/gw/dev", lost, 1)
    assert told(decoded) == [("gw/dev", "smoke_alarm", 1.0)]
    assert (reasons(decoded), born.asked) == (["sequence_gap"], ["spBv1.0/home/NCMD/gw"])
    assert reasons(born.say("DDATA/gw/dev", payload(seq=5), 2)) == []  # it goes on from there
    born.say("NBIRTH/gw", NODE_BIRTH, 3)
    assert reasons(born.say("DBIRTH/gw/dev", DEVICE_BIRTH, 3)) == []
    assert born.asked == ["spBv1.0/home/NCMD/gw"]


def test_numbers_go_round_and_a_second_copy_is_no_gap(born: World) -> None:
    for seq in (*range(2, 256), 0, 0, 1):
        assert reasons(born.say("NDATA/gw", payload(seq=seq))) == []
    assert reasons(born.say("NDATA/gw", payload(seq=3))) == ["sequence_gap"]


def test_an_alias_nobody_knows_is_asked_for_now_and_then() -> None:
    world = World()
    body = payload(metric(value=True, datatype=BOOLEAN, alias=2), metric("co", 40.0), seq=9)
    pause_s = REBIRTH_US_MIN / S
    for second in (0, 1, pause_s - 0.001, pause_s, pause_s + 1):
        decoded = world.say("DDATA/gw/dev", body, second)
        assert told(decoded) == [("gw/dev", "co", 40.0)]  # what has its name is read all the same
        assert reasons(decoded) == ["alias_unknown"]
    assert world.asked == ["spBv1.0/home/NCMD/gw"] * 2
    world.say("NBIRTH/gw", NODE_BIRTH, pause_s + 2)
    assert reasons(world.say("DBIRTH/gw/dev", DEVICE_BIRTH, pause_s + 2)) == []
    after = payload(metric(value=True, datatype=BOOLEAN, alias=2), seq=2)
    assert told(world.say("DDATA/gw/dev", after, pause_s + 3)) == [("gw/dev", "smoke_alarm", 1.0)]


def test_a_birth_forgets_what_was_before(born: World) -> None:
    born.say("DBIRTH/gw/dev", payload(metric("co", 1.0, alias=9), seq=2))
    assert reasons(born.say("DDATA/gw/dev", payload(metric(value=True, datatype=BOOLEAN, alias=2), seq=3))) == [
        "alias_unknown"
    ]
    born.say("NBIRTH/gw", NODE_BIRTH)
    assert reasons(born.say("DDATA/gw/dev", payload(metric(value=2.0, alias=9), seq=1))) == ["alias_unknown"]


def test_deaths_end_aliases(born: World) -> None:
    dead = born.say("DDEATH/gw/dev", payload(seq=2))
    assert (told(dead), presence(dead), reasons(dead)) == ([], {"gw/dev": 0, "gw/dev/kitchen": 0}, [])
    assert reasons(born.say("DDATA/gw/dev", payload(metric(value=True, datatype=BOOLEAN, alias=2), seq=3), 1)) == [
        "alias_unknown"
    ]
    assert told(born.say("NDATA/gw", payload(metric(value=3, datatype=INT8, alias=1), seq=4))) == [
        ("gw", "temperature", 3.0)
    ]
    older = born.say("NDEATH/gw", payload(metric("bdSeq", 6, INT64)))  # the will of an older connection
    assert (presence(older), list(born.nodes)) == ({}, ["spBv1.0/home/gw"])
    assert presence(born.say("DBIRTH/gw/dev", payload(metric("smoke", NO, BOOLEAN), seq=5))) == {"gw/dev": 1}
    assert presence(born.say("NDEATH/gw", payload(metric("bdSeq", 7, INT64)), 2)) == {"gw": 0, "gw/dev": 0}
    assert born.nodes == {}
    assert born.say("NDEATH/gw", payload(metric("bdSeq", 7, INT64)), 3) == Decoded([], [])


def test_nodes_of_several_groups_are_several() -> None:
    exchange = Exchange({})
    for group in ("a", "b"):
        exchange.read(f"spBv1.0/{group}/NBIRTH/gw", NODE_BIRTH, Route("sparkplug", "h", "NBIRTH/gw"), T0)
    assert list(exchange.changed) == ["spBv1.0/a/gw", "spBv1.0/b/gw"]


def test_what_is_not_for_us_is_passed_over(born: World) -> None:
    for rest in ("NCMD/gw", "DCMD/gw/dev", "STATE/host"):
        assert born.say(rest, b"\xff") == Decoded([], [])
    state = Exchange({}).read("spBv1.0/STATE/host", b"{}", Route("sparkplug", "STATE", "host"), T0)
    assert state == Decoded([], [])
    for rest in ("NDATA", "NDATA/gw/dev", "DDATA/gw", "WHAT/gw", ""):
        assert reasons(born.say(rest, payload())) == ["bad_shape"]


def test_what_is_remembered_is_bounded() -> None:
    nodes = {f"spBv1.0/home/n{number}": EdgeNode(born=True) for number in range(NODES_MAX - 1)}
    exchange = Exchange(nodes)

    def birth(name: str) -> list[str]:
        where = Route("sparkplug", "home", f"NBIRTH/{name}")
        return reasons(exchange.read(f"spBv1.0/home/NBIRTH/{name}", NODE_BIRTH, where, T0))

    assert [birth(name) for name in ("n1", "new", "new", "n2", "newer")] == [[], [], [], [], ["too_large"]]
    world = World()
    world.say("NBIRTH/gw", NODE_BIRTH)
    for number in range(2):
        many = payload(*[metric("x", 1.0, alias=n + number * METRICS_MAX) for n in range(METRICS_MAX)], seq=number + 1)
        decoded = world.say(f"DBIRTH/gw/d{number}", many)
    assert reasons(decoded) == ["too_large"]
    assert len(world.nodes["spBv1.0/home/gw"].metrics) == METRICS_MAX
    beyond = world.say("DDATA/gw/d1", payload(metric(value=1.0, alias=2 * METRICS_MAX - 1), seq=3))
    assert (reasons(beyond), world.asked) == (["alias_unknown"], [])  # its births would tell nothing new


def test_a_batch_that_is_not_kept_leaves_no_trace(born: World) -> None:
    before = dict(born.nodes)
    exchange = Exchange(born.nodes)
    exchange.read("spBv1.0/home/NDEATH/gw", payload(), Route("sparkplug", "home", "NDEATH/gw"), T0)
    exchange.read("spBv1.0/home/NBIRTH/x", NODE_BIRTH, Route("sparkplug", "home", "NBIRTH/x"), T0)
    assert born.nodes == before


kinds = st.sampled_from(["NBIRTH/gw", "DBIRTH/gw/d", "NDATA/gw", "DDATA/gw/d", "DDEATH/gw/d", "NDEATH/gw"])
metrics = st.builds(
    metric, st.sampled_from(["", "smoke", "co", "bdSeq", "a/b"]),
    st.one_of(st.none(), st.booleans(), st.integers(-(2**31), 2**31), st.text(max_size=5)),
    st.sampled_from([INT8, INT32, INT64, BOOLEAN, STRING]), alias=st.one_of(st.none(), st.integers(0, 3)),
    at_ms=st.one_of(st.none(), st.integers(0, 2**64 - 1)),
)  # fmt: skip
bodies = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda parts, seq: payload(*parts, seq=seq), st.lists(metrics, max_size=5), st.integers(0, 2**64 - 1)),
)


@given(st.lists(st.tuples(kinds, bodies), max_size=12))
def test_no_messages_make_it_fail(messages: list[tuple[str, bytes]]) -> None:
    world = World()
    for rest, body in messages:
        for sample in world.say(rest, body).samples:
            assert isinstance(sample.value, float)
            assert isinstance(sample.measured_at_us, int)
    # All within one moment; only a death makes a node somebody new.
    assert len(world.asked) <= 1 + sum(rest.startswith("NDEATH") for rest, _ in messages)
