"""The export for another platform: cursors that name a place in the order of commits.

Alerts and hazards are exported event by event, in the order of the events' ids, ratings run by run. An id becomes
visible only after all lower ones (alerting/ledger_store.py), so that whoever reads on from a cursor skips nothing.
"""

import re
from dataclasses import dataclass
from typing import Final

from inspection.errors import CursorRefused
from inspection.service_account import Collection

_CURSOR: Final = re.compile(r"([a-z]+)\.([0-9]{1,18})(?:\.([0-9]{1,10}))?")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything up to here has been read: up to the event or run `id`, of a run up to the institution `within`."""

    collection: Collection
    id: int = 0
    within: int = 0

    def __str__(self) -> str:
        """As the other side keeps it.

        >>> str(Cursor(Collection.ALERTS, 17)), str(Cursor(Collection.RATINGS, 3, 12))
        ('alerts.17', 'ratings.3.12')
        """
        return f"{self.collection}.{self.id}" + (f".{self.within}" if self.within else "")


def cursor(text: str | None, collection: Collection) -> Cursor:
    """The inverse of str; None is the beginning. Raises CursorRefused for one of another export, or none at all.

    >>> cursor("ratings.3.12", Collection.RATINGS)
    Cursor(collection=<Collection.RATINGS: 'ratings'>, id=3, within=12)
    """
    if text is None:
        return Cursor(collection)
    found = _CURSOR.fullmatch(text)
    if found is None or found[1] != collection or (found[3] is not None and collection is not Collection.RATINGS):
        raise CursorRefused(f"{text[:60]!r} is no cursor of {collection}")
    return Cursor(collection, int(found[2]), int(found[3] or 0))
