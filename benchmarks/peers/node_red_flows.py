"""Node-RED's two flows, put together from the scripts in node_red/."""

from pathlib import Path
from typing import Any, Final

from ingest.mqtt import Address

FILES: Final = Path(__file__).parent / "node_red"
WEBSOCKET_PATH: Final = "/ws/alerts"
TOPIC: Final = "anhu/v1/+/+/readings"

Node = dict[str, Any]


def flows(broker: Address, *, tuned: bool) -> tuple[list[Node], dict[str, dict[str, str]]]:
    """(the nodes of flows.json, what stands in flows_cred.json).

    Both flows: mqtt in at QoS 1 → judge → table, and every alert → table and websocket.
    """
    nodes = _tuned() if tuned else _default()
    shared: list[Node] = [
        {"id": "tab", "type": "tab", "label": "peers"},
        {
            "id": "broker",
            "type": "mqtt-broker",
            "broker": broker.host,
            "port": str(broker.port),
            "autoConnect": True,
            "protocolVersion": "4",
            "keepalive": "60",
            "autoUnsubscribe": True,
            # a session that outlives a restart needs a name
            "clientid": "node-red-peer" if tuned else "",
            "cleansession": not tuned,
        },
        {"id": "listener", "type": "websocket-listener", "path": WEBSOCKET_PATH, "wholemsg": "false"},
        _node("websocket", "websocket out", server="listener", client=""),
    ]
    credentials = {"broker": {"user": broker.username or "", "password": broker.password or ""}}
    return [*shared, *nodes], credentials


def _default() -> list[Node]:
    return [
        _source("json", ["judge"]),
        _function("judge", _script("judge"), [["store"], ["websocket", "alert"]], start=_script("points")),
        _function("store", _script("store"), [[]]),
        _function("alert", _script("alert"), [[]]),
    ]


def _tuned() -> list[Node]:
    start = _script("points") + _script("batch_start")
    stop = "clearTimeout(context.get('timer'));"
    return [
        _source("utf8", ["batch"]),
        _function("batch", _script("batch"), [["websocket"]], start=start, stop=stop),
    ]


def _source(datatype: str, to: list[str]) -> Node:
    return _node(
        "in", "mqtt in", [to], topic=TOPIC, qos="1", datatype=datatype, broker="broker", nl=False, rap=True,
        rh=0, inputs=0,
    )  # fmt: skip


def _function(name: str, script: str, wires: list[list[str]], *, start: str = "", stop: str = "") -> Node:
    return _node(
        name, "function", wires, func=script, outputs=len(wires), timeout=0, noerr=0, initialize=start, finalize=stop,
        libs=[],
    )  # fmt: skip


def _node(name: str, kind: str, wires: list[list[str]] | None = None, **settings: Any) -> Node:
    place = {"x": 100, "y": 100}  # without one, a node counts as a config node
    return {"id": name, "type": kind, "z": "tab", "name": name, "wires": wires or [], **place, **settings}


def _script(name: str) -> str:
    return (FILES / f"{name}.js").read_text("utf-8")
