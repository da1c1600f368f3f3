"""Two counties of one city with three homes, and a bureau above: what the supervision wall is tested on."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg

from alerting.alert import Kind, Priority
from alerting.people import Role, Scope
from inspection import institution_file_store, rating_run, visit_list_store, visit_operate
from inspection.hazard import By
from inspection.institution_file_store import Writer
from inspection.operate import Actor
from inspection.visit import Duty, Member
from inspection.visit import Kind as VisitKind
from inspection.visit_list_store import Campaign
from inspection.visit_operate import Plan
from tests.integration.dashboard_world import Served, World, sign_in
from tests.integration.people_world import add_user, insert

NEAR, NEXT, CITY = "220322", "220323", "2203"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass
class Bureau:
    """`world.home` and `second` lie in one county, `other` in the next; who may look is in `passwords`."""

    world: World
    second: int
    other: int
    passwords: dict[str, str] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    clients: dict[str, httpx.Client] = field(default_factory=dict)
    server: Served | None = None

    @property
    def served(self) -> Served:
        """The dashboard, which is started once everything is there: it reads the registry at its start."""
        assert self.server is not None
        return self.server

    def ask(self, username: str, path: str = "", **query: Any) -> Any:
        """What the wall answers to somebody."""
        if username not in self.clients:
            client = self.clients[username] = self.served.client(signed_in=False)
            sign_in(client, self.passwords[username], username).raise_for_status()
        return self.clients[username].get(f"/api/wall{path}", params=query).raise_for_status().json()

    def row(self, username: str, institution_id: int) -> dict[str, Any]:
        """Where an institution stands."""
        found: dict[str, Any] = self.ask(username, f"/institutions/{institution_id}")
        return found

    def why(self, institution_id: int) -> list[str]:
        """For which reasons, as the city sees it."""
        return [each["why"] for each in self.row("city", institution_id)["reasons"]]

    @contextmanager
    def writing(self) -> Iterator[psycopg.Connection[Any]]:
        """A transaction."""
        with psycopg.connect(self.world.database_url, options="-c timezone=UTC") as connection:
            yield connection

    @contextmanager
    def past(self) -> Iterator[psycopg.Connection[Any]]:
        """A transaction without the triggers that hold hazards to their events."""
        with self.writing() as connection:
            for state in ("DISABLE", "ENABLE"):
                connection.execute(f"ALTER TABLE hazards {state} TRIGGER USER".encode())
                if state == "DISABLE":
                    yield connection

    def alert(
        self, place: int, raised_at: datetime, answered_after_s: float | None, *, open_: bool = False, **more: Any
    ) -> UUID:
        """An alert as the log would have left it."""
        row: dict[str, Any] = {
            "id": uuid4(), "institution_id": place, "kind": Kind.FIRE, "priority": Priority.CRITICAL, "latching": False,
            "active": open_, "acknowledged": answered_after_s is not None, "latched": False, "rules": [], "version": 1,
            "occurrences": 1, "onset_at": raised_at, "raised_at": raised_at, "called_at": raised_at,
            "evidence": "{}", "last_event_id": 0, "acknowledged_at":
            None if answered_after_s is None else raised_at + timedelta(seconds=answered_after_s),
        }  # fmt: skip
        row |= more
        with self.writing() as connection:
            connection.execute(
                f"INSERT INTO alerts ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})".encode(),  # noqa: S608
                list(row.values()),
            )
        made: UUID = row["id"]
        return made

    def hazard(
        self, place: int, level: str, state: str, reported_at: datetime, deadline: datetime | None = None
    ) -> None:
        """A hazard as its events would have left it."""
        person = self.people["city"]
        given = state != "reported"
        done = state in ("rectified", "rechecked", "closed")
        row: dict[str, Any] = {
            "id": uuid4(), "institution_id": place, "origin": "person", "category": "fire", "level": level,
            "supervisor": "head", "title": "通道堵塞", "detail": "", "state": state, "version": 1,
            "reported_at": reported_at, "reported_by": "user:x", "clause": "", "occurrence": 1, "failures": 0,
            "extensions": 0, "escalated": 0, "assignee_id": person if given else None,
            "deadline": (deadline or reported_at + 15 * DAY) if given else None,
            "rectifier_id": person if done else None,
            "rechecked_at": reported_at + DAY if state in ("rechecked", "closed") else None,
            "closed_at": reported_at + 2 * DAY if state == "closed" else None,
        }  # fmt: skip
        with self.past() as connection:
            connection.execute(
                f"INSERT INTO hazards ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})".encode(),  # noqa: S608
                list(row.values()),
            )

    def rating(self, place: int, as_of: datetime, score: int, grade: str, weight: float) -> None:
        """A rating of one night."""
        with self.writing() as connection:
            policy_id, _ = rating_run.in_force(connection)
            run = insert(connection, "rating_runs", as_of=as_of, policy_id=policy_id, kind="demand", actor="test")
            connection.execute(
                "INSERT INTO rating_explanations SELECT sha256(convert_to('{}', 'UTF8')), '{}' ON CONFLICT DO NOTHING"
            )
            connection.execute(
                "INSERT INTO ratings SELECT %s, %s, %s, %s, %s, sha256(convert_to('{}', 'UTF8')), 2, %s",
                (run, place, as_of, score, grade, weight),
            )

    def gap(self, place: int, due_on: date) -> None:
        """An open gap of a fire acceptance."""
        with self.writing() as connection:
            writer = Writer("user:city", self.people["city"])
            institution_file_store.open_gap(connection, place, "x", min(due_on, date(2026, 1, 5)), due_on, writer)

    def campaign(self, region: str, begins_on: date, ends_on: date, visits: list[int]) -> UUID:
        """A campaign with a planned visit to each of these institutions."""
        person = self.people["city"]
        by = Actor(By("user:city", person, outside=True), datetime.now(UTC))
        with self.writing() as connection:
            made = visit_list_store.create_campaign(
                connection,
                Campaign(uuid4(), 0, f"行动 {region}", "", region, begins_on, ends_on, [], by.now, "user:city", person),
            )
            for place in visits:
                team = (Member(person, Duty.LEADER),)
                visit = Plan(place, VisitKind.CAMPAIGN, begins_on, team, unannounced=True, campaign_id=made.id)
                visit_operate.plan(connection, visit, by)
        return made.id


def build_bureau(world: World) -> Bureau:
    """Fill a fresh database in which `world` is built."""
    with psycopg.connect(world.database_url) as connection:
        second, other = (
            insert(
                connection, "institutions", code=code, name=name, name_en=english, kind="nursing_home", region=region
            )
            for code, name, english, region in (
                ("home-2", "康乐养老院", "Kangle Home", NEAR), ("home-9", "邻县养老院", "Next County Home", NEXT),
            )
        )  # fmt: skip
        made = Bureau(world, second, other)
        for name, role, scope in (
            ("near", Role.SUPERVISOR, Scope(None, NEAR)), ("next", Role.INSPECTOR, Scope(None, NEXT)),
            ("city", Role.SUPERVISOR, Scope(None, CITY)), ("expert", Role.EXPERT, Scope(None, CITY)),
            ("nurse", Role.OPERATOR, Scope(world.home)),
        ):  # fmt: skip
            made.people[name], made.passwords[name] = add_user(connection, name, role, scope)
    return made


def some_waits(rng: random.Random, count: int) -> list[float | None]:
    """How long people took to answer, a few still waiting."""
    return [None if rng.random() < 0.2 else float(rng.randint(1, 400)) for _ in range(count)]
