"""Sparkplug edge nodes: what their messages mean one after another. Pure: what a batch changes is adopted once it is
kept, and whoever keeps it sends the requests for rebirths.

A birth says which metrics there are, under which alias, and their values; data name the alias alone. Every message of a
node is numbered (`seq`): after a gap, or for an alias nobody knows, its births are asked for again, which hold all
values (Eclipse Sparkplug 3.0, §5.4 and §6.4.8). A death says that its aliases hold no more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, NamedTuple

from ingest.errors import Refusal
from ingest.formats import properties, sparkplug
from ingest.formats.sparkplug import BD_SEQ, METRICS_MAX, SEQ_COUNT, Metric, Payload
from ingest.reading import Decoded, Rejection, Sample
from ingest.routes import Route

NODES_MAX: Final = 1000
REBIRTH_US_MIN: Final = 30_000_000  # a node is asked no more often: its births are its largest messages
NEVER_US: Final = -(2**62)
_NODE: Final = frozenset(("NBIRTH", "NDATA", "NDEATH"))
_DEVICE: Final = frozenset(("DBIRTH", "DDATA", "DDEATH"))
_TURNS: Final = frozenset(("NBIRTH", "DBIRTH", "DDEATH"))  # that tell of a life that begins or ends
_OTHERS: Final = frozenset(("NCMD", "DCMD", "STATE"))  # for nodes, and of hosts


class Known(NamedTuple):
    """A metric as its birth told it. `owner`: the node or device it belongs to, as `node` or `node/device`."""

    owner: str
    name: str
    datatype: int | None


@dataclass(frozen=True, slots=True)
class EdgeNode:
    """Where an edge node stands. `metrics`: by alias, or by (owner, name) where it has none; `asked_us`: when its
    births were last asked for, in µs since 1970. A node that is not `born` has only been asked; what is `recalled` of
    an earlier start may be out of date."""

    born: bool = False
    recalled: bool = False
    seq: int | None = None
    bd_seq: float | str | None = None
    metrics: Mapping[int | tuple[str, str], Known] = field(default_factory=lambda: MappingProxyType({}))
    asked_us: int = NEVER_US


class _Place(NamedTuple):
    """What a topic says: `key` names the node among all, `owner` is what the message is about."""

    kind: str
    key: str
    owner: str
    command_topic: str


@dataclass(slots=True)
class Exchange:
    """The Sparkplug messages of one batch, over the nodes `known` before it. `changed`: nodes as they stand after it,
    None for one that has died; `rebirths`: the topics on which to ask for births."""

    known: Mapping[str, EdgeNode]
    changed: dict[str, EdgeNode | None] = field(default_factory=dict)
    rebirths: list[str] = field(default_factory=list)
    _new_count: int = 0  # of nodes that were not known

    def read(self, topic: str, payload: bytes, where: Route, received_at_us: int) -> Decoded:
        """The samples of one message."""
        place = _place(topic, where.device or "")
        if place is None:
            return Decoded([], [])
        if isinstance(place, Rejection):
            return Decoded([], [place])
        message = sparkplug.decode(payload)
        if isinstance(message, Rejection):
            return Decoded([], [message])
        node = self.changed[place.key] if place.key in self.changed else self.known.get(place.key)
        if place.kind == "NDEATH":
            if node is None or not _ends(node, message, received_at_us):
                return Decoded([], [])
            self.changed[place.key] = None
            return Decoded(_presence(node.metrics.values(), where.names, received_at_us, alive=False), [])
        if place.key not in self.known and place.key not in self.changed:
            if len(self.known) + self._new_count >= NODES_MAX:
                return Decoded.refused(Refusal.TOO_LARGE, f"more than {NODES_MAX} edge nodes")
            self._new_count += 1
        return self._go_on(node or EdgeNode(), place, message, where.names, received_at_us)

    def _go_on(
        self, before: EdgeNode, place: _Place, message: Payload, names: Mapping[str, str], received_at_us: int
    ) -> Decoded:
        """The samples of a message of a node that lives, which is changed by it and may have to be asked."""
        decoded = Decoded([], [])
        after = _follow(before, place, message, decoded.rejections)
        if place.kind in _TURNS:
            alive = place.kind != "DDEATH"
            concerned = [each for each in (after if alive else before).metrics.values() if each.owner == place.owner]
            decoded.samples += _presence(concerned, names, received_at_us, alive=alive)
        unknown = _samples(after, place.owner, message, names, received_at_us, decoded)
        if unknown:
            detail = f"{unknown} metrics under an alias that no birth has told"
            decoded.rejections.append(Rejection(Refusal.ALIAS_UNKNOWN, detail))
        gap = any(each.reason is Refusal.SEQUENCE_GAP for each in decoded.rejections)
        told = len(after.metrics) >= METRICS_MAX  # the births of such a node would tell nothing new
        lost = gap or not after.born or after.recalled or (unknown and not told)
        if lost and received_at_us - after.asked_us >= REBIRTH_US_MIN:
            self.rebirths.append(place.command_topic)
            after = replace(after, asked_us=received_at_us)
        self.changed[place.key] = after
        return decoded


def adopt(known: dict[str, EdgeNode], changed: Mapping[str, EdgeNode | None]) -> None:
    """Make what a batch changed the past of the next one."""
    for key, node in changed.items():
        if node is None:
            known.pop(key, None)
        else:
            known[key] = node


def _place(topic: str, rest: str) -> _Place | Rejection | None:
    """`rest` is the topic from the type of message on; None for messages that are not for us."""
    kind, *names = rest.split("/")
    prefix = topic.removesuffix(rest)
    if kind in _OTHERS or prefix.endswith("/STATE/"):
        return None
    if (kind in _NODE and len(names) == 1) or (kind in _DEVICE and len(names) == 2):
        node = names[0]
        return _Place(kind, f"{prefix}{node}", "/".join(names), f"{prefix}NCMD/{node}")
    return Rejection(Refusal.BAD_SHAPE, f"{rest[:64]!r} is no type of message with its edge node and device")


def _ends(node: EdgeNode, message: Payload, received_at_us: int) -> bool:
    """Whether a death is that of the birth we know: the will of an older connection may come after it. That a node was
    asked for its birth is not forgotten at once."""
    if not node.born:
        return received_at_us - node.asked_us >= REBIRTH_US_MIN
    bd_seq = _bd_seq(message)
    return bd_seq is None or node.bd_seq is None or bd_seq == node.bd_seq


def _bd_seq(message: Payload) -> float | str | None:
    return next((each.value for each in message.metrics if each.name == BD_SEQ), None)


def _follow(node: EdgeNode, place: _Place, message: Payload, rejections: list[Rejection]) -> EdgeNode:
    """The node after the message, whose gaps are told in `rejections`."""
    if place.kind == "NBIRTH":
        born = EdgeNode(born=True, seq=message.seq, bd_seq=_bd_seq(message), asked_us=node.asked_us)
        return _with_birth(born, place.owner, message, rejections)
    if node.born and message.seq is not None and node.seq is not None and message.seq != node.seq:
        if message.seq != (node.seq + 1) % SEQ_COUNT:
            detail = f"seq {message.seq} after {node.seq}: messages are missing"
            rejections.append(Rejection(Refusal.SEQUENCE_GAP, detail))
        node = replace(node, seq=message.seq)
    if place.kind == "DBIRTH" and node.born:
        return _with_birth(node, place.owner, message, rejections)
    if place.kind == "DDEATH":
        return replace(node, metrics=_without(node, place.owner))
    return node


def _with_birth(node: EdgeNode, owner: str, message: Payload, rejections: list[Rejection]) -> EdgeNode:
    metrics = _without(node, owner)
    for each in message.metrics:
        if each.name:
            key = (owner, each.name) if each.alias is None else each.alias
            metrics[key] = Known(owner, each.name, each.datatype)
    if len(metrics) > METRICS_MAX:
        detail = f"an edge node with {len(metrics)} metrics; at most {METRICS_MAX} are remembered"
        rejections.append(Rejection(Refusal.TOO_LARGE, detail))
        metrics = dict(list(metrics.items())[:METRICS_MAX])
    return replace(node, metrics=metrics)


def _without(node: EdgeNode, owner: str) -> dict[int | tuple[str, str], Known]:
    return {key: each for key, each in node.metrics.items() if each.owner != owner}


def _presence(metrics: Iterable[Known], names: Mapping[str, str], received_at_us: int, *, alive: bool) -> list[Sample]:
    """Whether their node can reach the devices that these metrics are of, as `alive`."""
    devices = dict.fromkeys(_device(each) for each in metrics if properties.quantity_of(_property(each, names), names))
    return [Sample(device, "alive", received_at_us, float(alive)) for device in devices]


def _device(known: Known) -> str:
    """What the device of a metric is called: folders in the metric's name belong to it."""
    folders, _, _ = known.name.rpartition("/")
    return f"{known.owner}/{folders}" if folders else known.owner


def _property(known: Known, names: Mapping[str, str]) -> str:
    """What a metric measures: the last part of its name, or all of it where the route names that."""
    return known.name if known.name in names else known.name.rpartition("/")[2]


def _samples(
    node: EdgeNode, owner: str, message: Payload, names: Mapping[str, str], received_at_us: int, decoded: Decoded
) -> int:
    """Append what the metrics say to `decoded`; how many of them nobody knows."""
    unknown = 0
    for metric in message.metrics:
        known = _known(node, owner, metric)
        if known is None:
            unknown += 1
            continue
        if metric.value is None:
            continue
        value = metric.value if isinstance(metric.value, str) else sparkplug.signed(metric.value, known.datatype)
        found = properties.read({_property(known, names): value}, names)
        at_ms = metric.at_ms if metric.at_ms is not None else message.at_ms
        at_us = received_at_us if at_ms is None else at_ms * 1000
        decoded.samples.extend(
            Sample(_device(known), quantity, at_us, number) for quantity, number in found.values.items()
        )
        decoded.rejections.extend(found.rejections)
    return unknown


def _known(node: EdgeNode, owner: str, metric: Metric) -> Known | None:
    """What a metric is, None where that takes a birth we have not seen."""
    if metric.name:
        born = node.metrics.get((owner, metric.name) if metric.alias is None else metric.alias)
        told = metric.datatype if metric.datatype is not None or born is None else born.datatype
        return Known(owner, metric.name, told)
    return node.metrics.get(metric.alias) if metric.alias is not None else None
