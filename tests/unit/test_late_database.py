"""A database that is not there when the service starts."""

import psycopg
import pytest

from anhu.late_database import RETRY_S, LateDatabase
from ingest.errors import DatabaseUnavailable, MigrationConflict


class Database:
    """What becomes of each try to prepare it."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes = list(outcomes)
        self.tries = 0
        self.told: list[str] = []
        self.now_s = 100.0
        self.late = LateDatabase(self.prepare, self.told.append, lambda: self.now_s)

    def prepare(self) -> None:
        self.tries += 1
        outcome = self.outcomes.pop(0)
        if outcome is not None:
            raise outcome

    def look_later(self) -> str | None:
        assert self.late.look() is None, "not before the pause is over"
        self.now_s += RETRY_S
        return self.late.look()


def test_one_that_answers_is_prepared_once() -> None:
    database = Database(None)
    database.late.begin(may_be_late=True)
    assert database.look_later() is None
    assert (database.tries, database.told) == (1, [])


@pytest.mark.parametrize("error", [DatabaseUnavailable("refused"), psycopg.OperationalError("starting up")])
def test_one_that_may_be_late_is_tried_until_it_answers(error: Exception) -> None:
    database = Database(error, error, error, None)
    database.late.begin(may_be_late=True)
    assert [database.look_later() for _ in range(4)] == [None] * 4
    assert database.tries == 4
    assert len(database.told) == 2
    assert str(error) in database.told[0]


@pytest.mark.parametrize("error", [DatabaseUnavailable("refused"), psycopg.OperationalError("starting up")])
def test_one_that_must_be_there_is_not_waited_for(error: Exception) -> None:
    with pytest.raises(type(error)):
        Database(error).late.begin(may_be_late=False)


def test_one_that_answers_and_cannot_be_used_ends_the_service() -> None:
    with pytest.raises(MigrationConflict):
        Database(MigrationConflict("newer")).late.begin(may_be_late=True)
    database = Database(DatabaseUnavailable("refused"), MigrationConflict("newer"))
    database.late.begin(may_be_late=True)
    assert database.look_later() == "newer"
