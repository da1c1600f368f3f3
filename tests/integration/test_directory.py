"""The notifier reads people anew when something about them has changed, and not whenever anybody does anything."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from alerting import directory_store, people_store, suppression_store
from alerting.directory_store import SUBJECTS
from alerting.ledger_store import record_act
from alerting.people import Person, Role, Scope
from alerting.suppression import Means, Suppression
from ingest import store
from ingest.database import Connection, connect
from tests.integration.notify_world import NotifyWorld, now

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
TABLES = "persons|contacts|rotations|stand_ins|suppressions|escalation_policies"


def save(connection: Connection) -> None:
    people_store.save_person(connection, actor="test", who=Person(0, "王", Role.OPERATOR, Scope()))


def suppress(connection: Connection) -> None:
    [(home,)] = connection.execute("SELECT min(id) FROM institutions").fetchall()
    begin = now()
    wanted = Suppression(
        0, Means.MAINTENANCE, home, None, None, None, "检修", "test", begin, begin + timedelta(minutes=5)
    )
    suppression_store.begin(connection, wanted)


def hazard(connection: Connection) -> None:
    record_act(
        connection, actor="policy", verb="hazard_report", subject="hazard:1", institution_id=None, body={"no": 1}
    )  # fmt: skip


@pytest.mark.parametrize(("act", "matters"), [(save, True), (suppress, True), (hazard, False)])
def test_what_people_do_matters_where_it_is_about_who_is_told(
    database_url: str, act: Callable[[Connection], None], matters: bool
) -> None:
    NotifyWorld(database_url)
    with connect(database_url) as connection:
        save(connection)
        before = directory_store.standing(connection)
        assert directory_store.changed(connection, before) == (before, False)
        act(connection)
        after, by_people = directory_store.changed(connection, before)
        assert by_people is matters
        assert after.act > before.act
        assert directory_store.changed(connection, after) == (after, False)
        store.registry_changed(connection)
        later, by_people = directory_store.changed(connection, after)
        assert (later.registry - after.registry, by_people) == (1, False)


def test_whoever_writes_the_tables_of_the_directory_says_so_by_an_act_about_them() -> None:
    writers, subjects = set(), set()
    for path in (
        path
        for folder in ("alerting", "inspection", "dashboard", "ingest", "anhu")
        for path in (ROOT / folder).rglob("*.py")
    ):
        text = path.read_text("utf-8")
        if re.search(rf"(INSERT INTO|UPDATE|DELETE FROM) ({TABLES})\b", text):
            writers.add(path.relative_to(ROOT).as_posix())
            subjects |= set(re.findall(r"f\"(\w+):{", text))
    assert writers == {"alerting/people_store.py", "alerting/oncall_store.py", "alerting/suppression_store.py"}
    assert subjects == set(SUBJECTS)
