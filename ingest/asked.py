"""What a shard's session is subscribed to, as the registry changes and whoever served it before."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from ingest import shard_store
from ingest.database import connect
from ingest.mqtt import Source, Subscriptions
from ingest.registry import Registry
from ingest.routes import Routes
from ingest.shard_routes import subscriptions
from ingest.shards import Shard
from ingest.writer import TRANSIENT

log = structlog.get_logger("ingest.asked")


class Asked:
    """One shard's subscriptions. They are noted in the database, for the next worker, before the broker is asked for
    any; without the database they are asked for all the same. Changes are made in a thread of their own, as judging
    must not wait for a database that hangs."""

    def __init__(self, database_url: str, routes: Routes, shard: Shard) -> None:
        self._database_url = database_url
        self._routes = routes
        self._shard = shard
        self._source: Source | None = None
        self._latest: Sequence[str] = ()
        self._failed = False
        self._changing = ThreadPoolExecutor(1, thread_name_prefix=f"subscriptions of shard {shard.number}")

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
        self._submit(source, source.wanted)

    def registry_changed(self, registry: Registry) -> None:
        """Ask, soon, for what the registry has got, and no more for what it has lost."""
        source = self._source
        if source is None:
            return
        wanted = subscriptions(self._routes, self._shard, registry.institution_codes)
        if self._failed or set(wanted) != set(self._latest):
            self._submit(source, wanted)

    def end(self) -> None:
        """Ask for nothing more."""
        self._changing.shutdown(wait=False, cancel_futures=True)

    def _submit(self, source: Source, wanted: Sequence[str]) -> None:
        self._failed = False
        self._latest = wanted
        self._changing.submit(self._change, source, wanted)

    def _change(self, source: Source, wanted: Sequence[str]) -> None:
        if wanted is not self._latest:
            return  # changed again, while the database hung
        before = source.wanted
        try:
            self._note(sorted({*before, *wanted}))
            if set(wanted) != set(before):
                source.resubscribe(wanted)
                log.info("subscriptions changed", shard=self._shard.number, before=len(before), now=len(wanted))
        except Exception:
            log.exception("subscriptions not changed", shard=self._shard.number)
            self._failed = True  # once more with the next change

    def _note(self, filters: Sequence[str]) -> None:
        try:
            with connect(self._database_url) as connection:
                shard_store.note_subscribed(connection, self._shard, filters)
        except TRANSIENT as error:
            log.warning("subscriptions not noted", shard=self._shard.number, reason=str(error))
