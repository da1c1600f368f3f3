"""What a shard's session is subscribed to, as the registry changes and whoever served it before."""

from collections.abc import Sequence

import structlog

from ingest import shard_store
from ingest.database import connect
from ingest.mqtt import Source, Subscriptions
from ingest.registry import Registry
from ingest.routes import Routes
from ingest.shards import Shard, subscriptions
from ingest.writer import TRANSIENT

log = structlog.get_logger("ingest.asked")


class Asked:
    """One shard's subscriptions. They are noted in the database, for the next worker, before the broker is asked for
    any; without the database they are asked for all the same."""

    def __init__(self, database_url: str, routes: Routes, shard: Shard) -> None:
        self._database_url = database_url
        self._routes = routes
        self._shard = shard
        self._source: Source | None = None

    def begin(self, registry: Registry) -> Subscriptions:
        """What to ask for with the first connection."""
        wanted = subscriptions(self._routes, self._shard, registry.institution_codes)
        before: list[str] = []
        try:
            with connect(self._database_url) as connection:
                before = shard_store.subscribed(connection, self._shard)
                shard_store.note_subscribed(connection, self._shard, sorted({*before, *wanted}))
        except TRANSIENT as error:
            log.warning("subscriptions not noted", shard=self._shard.number, reason=str(error))
        kept = frozenset(wanted)
        return Subscriptions(wanted, [each for each in before if each not in kept])

    def begun(self, source: Source) -> None:
        """The first connection stands: what is not wanted any more has been unsubscribed."""
        self._source = source
        self._note(source.wanted)

    def registry_changed(self, registry: Registry) -> None:
        """Ask for what the registry has got, and no more for what it has lost."""
        if self._source is None:
            return
        wanted = subscriptions(self._routes, self._shard, registry.institution_codes)
        before = self._source.wanted
        if set(wanted) == set(before):
            return
        self._note(sorted({*before, *wanted}))
        self._source.resubscribe(wanted)
        log.info("subscriptions changed", shard=self._shard.number, before=len(before), now=len(wanted))

    def _note(self, filters: Sequence[str]) -> None:
        try:
            with connect(self._database_url) as connection:
                shard_store.note_subscribed(connection, self._shard, filters)
        except TRANSIENT as error:
            log.warning("subscriptions not noted", shard=self._shard.number, reason=str(error))
