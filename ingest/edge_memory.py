"""Sparkplug's edge nodes from one batch to the next, and beside the spool from one start to the next."""

import sqlite3
from collections.abc import Mapping
from typing import Final

import orjson
import structlog

from ingest import edge_node
from ingest.edge_node import EdgeNode, Exchange, Known
from ingest.spool import Spool

NAME: Final = "edge_nodes"
SAVED_METRICS_MAX: Final = 50_000  # of all nodes; what is beyond is asked for after a start
_VERSION: Final = 1

log = structlog.get_logger("ingest.edge")


class EdgeMemory:
    """What is known of edge nodes; begins with what was saved in `spool`."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        saved = spool.recall(NAME)
        self.nodes: dict[str, EdgeNode] = load(saved) if saved else {}
        self._rebirths: list[str] = []
        self._changed = False

    def adopt(self, exchange: Exchange) -> None:
        """Take on what a batch changed, once it is kept."""
        for key, node in exchange.changed.items():
            self._changed |= _births(node) is not _births(self.nodes.get(key))
        edge_node.adopt(self.nodes, exchange.changed)
        self._rebirths += exchange.rebirths

    def rebirths(self) -> list[str]:
        """The topics on which births are to be asked for; each is told once."""
        topics, self._rebirths = self._rebirths, []
        return topics

    def save(self) -> None:
        """Keep what births have changed since it was last saved. A disk that refuses is told and tried again: alarms
        need none of this."""
        if not self._changed:
            return
        try:
            self._spool.remember(NAME, dump(self.nodes))
        except sqlite3.Error:
            log.exception("births not saved")
            return
        self._changed = False


def _births(node: EdgeNode | None) -> Mapping[int | tuple[str, str], Known] | None:
    """What births have told of a node; None for one that has had none."""
    return node.metrics if node is not None and node.born else None


def dump(nodes: Mapping[str, EdgeNode]) -> bytes:
    """The births of these nodes, as far as SAVED_METRICS_MAX goes. Their `seq` is not kept: messages are missed while
    nobody listens."""
    rows, room = [], SAVED_METRICS_MAX
    for key, node in nodes.items():
        room -= len(node.metrics)
        if room < 0:
            log.warning("too many metrics, some births will be asked for after a start", nodes=len(nodes))
            break
        if node.born:
            metrics = [[alias if isinstance(alias, int) else None, *known] for alias, known in node.metrics.items()]
            rows.append([key, node.bd_seq, metrics])
    return orjson.dumps([_VERSION, rows])


def load(body: bytes) -> dict[str, EdgeNode]:
    """What `dump` was given. Nodes that come out of it are asked for their births all the same: values may have changed
    unheard."""
    version, rows = orjson.loads(body)
    if version != _VERSION:
        return {}
    return {
        key: EdgeNode(
            born=True,
            recalled=True,
            bd_seq=bd_seq,
            metrics={(known[0], known[1]) if alias is None else alias: Known(*known) for alias, *known in metrics},
        )
        for key, bd_seq, metrics in rows
    }
