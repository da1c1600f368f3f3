"""What Prometheus may know of the service beyond the dashboard: shards of the intake, queues, disks, broker, tables."""

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard.schemas.health import SystemHealth
from ingest.history import Heartbeat
from inspection.cells import ServerAbove

# Of each shard's last sign of life: the field, the figure, what it tells, and what one of the field's units is in its.
_GAUGES: Final = (
    ("age_s", "anhu_pipeline_heartbeat_age_seconds", "Since the shard's last sign of life", 1.0),
    ("lag_ms", "anhu_pipeline_lag_seconds", "How long its oldest waiting message waits", 1000.0),
    ("inbox_count", "anhu_pipeline_inbox_messages", "Messages that wait in its memory", 1.0),
)
_COUNTERS: Final = (
    ("messages", "anhu_pipeline_messages", "Messages taken since the shard's start"),
    ("readings", "anhu_pipeline_readings", "Readings stored since the shard's start"),
    ("dead_letters", "anhu_pipeline_dead_letters", "Messages refused since the shard's start"),
)


class ServiceFigures(Collector):
    """One look at the service as metrics; without a look, that the database does not answer and nothing else."""

    def __init__(
        self,
        health: SystemHealth | None = None,
        heartbeats: Sequence[Heartbeat] = (),
        servers_above: Sequence[ServerAbove] = (),
    ) -> None:
        self._health = health
        self._heartbeats = heartbeats
        self._servers_above = servers_above

    def text(self) -> bytes:
        """In Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """The figures; one that is not known is left out, so that no alert rests on an invented value."""
        yield _gauge("anhu_database_up", "Whether the database answered this request", int(self._health is not None))
        if self._health is not None:
            yield from self._of_shards()
            yield from _of_parts(self._health)
            yield from _of_servers_above(self._servers_above)

    def _of_shards(self) -> Iterator[Metric]:
        for field, name, told, units in _GAUGES:
            gauge = GaugeMetricFamily(name, told, labels=["shard"])
            for beat in self._heartbeats:
                gauge.add_metric([str(beat.shard)], getattr(beat, field) / units)
            yield gauge
        for field, name, told in _COUNTERS:
            counter = CounterMetricFamily(name, told, labels=["shard"])
            for beat in self._heartbeats:
                counter.add_metric([str(beat.shard)], getattr(beat, field))
            yield counter


def _of_parts(health: SystemHealth) -> Iterator[Metric]:
    roles = GaugeMetricFamily("anhu_role_connections", "Connections of a role to the database", labels=["role"])
    for role in health.roles:
        roles.add_metric([role.name], role.connections)
    disks = GaugeMetricFamily("anhu_disk_free_ratio", "What is free of a disk, 0 to 1", labels=["folder"])
    for disk in health.disks:
        disks.add_metric([disk.folder], disk.free_share)
    certificates = GaugeMetricFamily("anhu_certificate_days", "Until a certificate ends", labels=["name"])
    for certificate in health.certificates:
        if certificate.days_left is not None:
            certificates.add_metric([certificate.name], certificate.days_left)
    yield from (roles, disks, certificates)
    if health.broker_reachable is not None:
        yield _gauge("anhu_broker_up", "Whether the broker answers", int(health.broker_reachable))
    if health.spool_bytes is not None:
        yield _gauge("anhu_spool_bytes", "What waits on disk for the database", health.spool_bytes)
    yield _gauge("anhu_outbox_messages", "Messages to people that wait or are being sent",
                 health.outbox_waiting + health.outbox_sending)  # fmt: skip
    yield _gauge("anhu_database_bytes", "Size of the database, weighed every ten minutes", health.database_bytes)
    yield _gauge("anhu_clock_ahead_seconds", "This machine's clock against the database's", health.clock_ahead_s)
    yield _gauge("anhu_own_alerts", "Open alerts of the service about itself", len(health.own_alerts))


def _of_servers_above(servers: Sequence[ServerAbove]) -> Iterator[Metric]:
    connected = GaugeMetricFamily("anhu_cell_connected", "Whether a server above takes our records", labels=["above"])
    kept = GaugeMetricFamily("anhu_cell_kept_bytes", "What is kept of the log for a server above", labels=["above"])
    lost = GaugeMetricFamily("anhu_cell_lost", "Whether a server above has to join anew", labels=["above"])
    for server in servers:
        connected.add_metric([server.name], int(server.connected))
        kept.add_metric([server.name], server.kept_bytes)
        lost.add_metric([server.name], int(server.lost))
    yield from (connected, kept, lost)


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)
