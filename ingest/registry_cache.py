"""The registry as bytes, for a start while the database is away."""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

import orjson

from ingest.registry import Device, Institution, Point, Registry, Zone

_TABLES: Final = ("institutions", Institution), ("zones", Zone), ("devices", Device), ("points", Point)
# not dataclasses.astuple, which copies deeply
_ROW: Final[dict[str, Callable[[Any], Any]]] = {
    name: attrgetter(*(each.name for each in fields(record))) for name, record in _TABLES
}


def dump(registry: Registry) -> bytes:
    """The registry, whole."""
    tables = (list(map(row, getattr(registry, name).values())) for name, row in _ROW.items())
    return orjson.dumps([registry.version, *tables])


def load(body: bytes) -> Registry:
    """What `dump` was given."""
    version, institutions, zones, devices, points = orjson.loads(body)
    return Registry.build(
        version,
        (Institution(*row) for row in institutions),
        (Zone(*row) for row in zones),
        (Device(*row) for row in devices),
        (Point(*row) for row in points),
    )
