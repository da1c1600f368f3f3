"""What the notifier knows, kept beside it in the journal while the database is there, so that whoever has to decide
without the database knows it too. That it cannot be kept is told and stops nothing."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog

from alerting import directory_cache
from alerting.alert import Alert
from alerting.book import REMEMBERED, Decision, Directory
from alerting.delivery import Push
from alerting.errors import JournalUnavailable
from alerting.journal import Journal
from alerting.ladder import Ladder, Telling
from ingest import registry_cache

log = structlog.get_logger("alerting.outage")


class Mirror:
    """Writes into `journal`, if there is one."""

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._complained = False
        self._registry_version: int | None = None  # of what is kept

    def begin(
        self, alerts: Sequence[Alert], ladders: Sequence[Ladder], tellings: Sequence[Telling], pushes: Sequence[Push]
    ) -> None:
        """All there is to know, in place of what was known before."""
        self._try(lambda journal: journal.clear([*alerts, *ladders, *tellings, *pushes]))

    def directory(self, directory: Directory) -> None:
        """Everything people set has been read anew."""
        notes = {"directory": directory_cache.dump(directory)}
        version = directory.registry.version
        if version != self._registry_version:
            notes["registry"] = registry_cache.dump(directory.registry)
        if self._try(lambda journal: journal.keep((), away=False, notes=notes)):
            self._registry_version = version

    def heard(self, alerts: Sequence[Alert]) -> None:
        """Alerts as they now stand; before anything is decided about them."""
        if alerts:
            self._try(lambda journal: journal.keep(alerts, away=False))

    def decided(self, decision: Decision) -> None:
        """What is on record; before it is carried out, or it could be decided a second time."""
        self._try(lambda journal: journal.keep([*decision.ladders, *decision.tellings, *decision.pushes], away=False))

    def forget(self, alerts: Iterable[UUID], now: datetime) -> None:
        """Alerts that are over."""
        self._try(lambda journal: journal.forget(alerts, now - REMEMBERED))

    def _try(self, write: Callable[[Journal], None]) -> bool:
        """Whether it is kept."""
        if self._journal is None:
            return False
        try:
            write(self._journal)
        except JournalUnavailable as error:
            if not self._complained:
                log.error("what is known cannot be kept for an outage", reason=str(error))  # noqa: TRY400
            self._complained = True
            return False
        self._complained = False
        return True
