"""The registry as bytes, for a start while the database is away."""

from dataclasses import astuple

import orjson

from ingest.registry import Device, Institution, Point, Registry, Zone


def dump(registry: Registry) -> bytes:
    """The registry, whole."""
    tables = (registry.institutions, registry.zones, registry.devices, registry.points)
    return orjson.dumps([registry.version, *([astuple(each) for each in table.values()] for table in tables)])


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
