"""A home, those above it and somebody without a session: what they do to make things public, over HTTP."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import psycopg

from alerting.people import Role, Scope
from inspection import (
    commitment,
    credit_list_operate,
    evidence_store,
    operate,
    photo_store,
    rating_policy,
    visit_operate,
)
from inspection.checklist import Level
from inspection.credit_calendar import add_months
from inspection.credit_criteria import ListKind
from inspection.credit_list import Delivery, Verb
from inspection.decide import Found
from inspection.hazard import By, Category, Supervisor
from inspection.operate import Actor
from inspection.photo import Photo
from inspection.visit import Duty, Member
from inspection.visit import Kind as VisitKind
from inspection.visit_operate import Plan
from tests.integration.dashboard_world import Served, World
from tests.integration.people_world import add_user, insert, picture

BROKEN = psycopg.errors.IntegrityConstraintViolation
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
COUNTY = "220322"
SHA256 = commitment.parse(commitment.default_text()).sha256
NAMED = "愿公开的陈院长"
# Everything personal that is filled in has this in it, and nothing public may.
MARK = "私密"
PHONE = "13912345678"
PEOPLE = (
    ("nurse", Role.OPERATOR, None),
    ("manager", Role.INSTITUTION_MANAGER, None),
    ("safety", Role.SAFETY_OFFICER, None),
    ("county", Role.SUPERVISOR, COUNTY),
    ("inspector", Role.INSPECTOR, COUNTY),
    ("city", Role.SUPERVISOR, "2203"),
    ("elsewhere", Role.SUPERVISOR, "310101"),
)


class Desk:
    """People of the home and above it, and somebody without a session."""

    def __init__(self, world: World, served: Served) -> None:
        self.world, self.served, self.home, self.clients, self.by = world, served, world.home, {}, {}
        self.anybody = served.client(signed_in=False)
        with world.connect() as connection:
            self.other = insert(
                connection, "institutions", code="home-2", name="康乐院", name_en="Kangle Home", kind="nursing_home",
                region=COUNTY,
            )  # fmt: skip
            self.third = insert(
                connection, "institutions", code="home-3", name="第三院", name_en="Third Home", kind="nursing_home",
                region=COUNTY,
            )  # fmt: skip
            for username, role, region in PEOPLE:
                scope = Scope(world.home) if region is None else Scope(None, region)
                person, password = add_user(connection, username, role, scope, name=f"{MARK}{username}")
                self.by[username] = By(f"user:{username}", person, outside=region is not None)
                client = served.client(signed_in=False)
                client.post("/api/session", json={"username": username, "password": password}).raise_for_status()
                self.clients[username] = client

    def transaction(self) -> psycopg.Connection:
        return psycopg.connect(self.world.database_url, options="-c timezone=UTC")

    def actor(self, name: str, at: datetime = NOW) -> Actor:
        return Actor(self.by[name], at)

    def commitment(self, who: str = "county", place: int | None = None) -> dict:
        return self.clients[who].get(f"/api/commitments/{place or self.home}").raise_for_status().json()

    def sign(self, who: str, sha256: str = SHA256, months: int = 12, place: int | None = None) -> httpx.Response:
        body = {"sha256": sha256, "months": months}
        return self.clients[who].post(f"/api/commitments/{place or self.home}", json=body)

    def revoke(self, who: str, number: int, reason: str = "负责人变更") -> httpx.Response:
        body = {"commitment_id": number, "reason": reason}
        return self.clients[who].post(f"/api/commitments/{self.home}/revoke", json=body)

    def publish(self, who: str, note: str = "", place: int | None = None) -> httpx.Response:
        body = {"published": True, "note": note}
        return self.clients[who].post(f"/api/commitments/{place or self.home}/publication", json=body)

    def take_down(self, who: str, note: str = "", place: int | None = None) -> httpx.Response:
        body = {"published": False, "note": note}
        return self.clients[who].post(f"/api/commitments/{place or self.home}/publication", json=body)

    def rated(self, as_of: datetime) -> list[str]:
        """The commitments that a rating of that moment finds in force."""
        policy = rating_policy.parse(rating_policy.shipped_text("base80"))
        with self.transaction() as connection:
            facts = evidence_store.facts(connection, policy, as_of, [self.home])["safety_records"]
        until_us, as_of_us = facts.columns["until_at"], int(as_of.timestamp() * 1e6)
        return facts.record[(facts.columns["kind"] == "commitment") & (until_us > as_of_us)].tolist()

    def public(self, path: str, **headers: str) -> httpx.Response:
        return self.anybody.get(f"/api/public/{path}", headers=headers)

    def page(self, place: int | None = None) -> dict:
        return self.public(f"institutions/{place or self.home}").raise_for_status().json()

    def county(self) -> dict:
        return self.public(f"counties/{COUNTY}").raise_for_status().json()

    def photo(self, connection: psycopg.Connection, who: str, place: int) -> UUID:
        return photo_store.keep(
            connection, Photo(picture(), 64, 48), institution_id=place, uploader_id=self.by[who].person_id
        )  # fmt: skip

    def hazard(
        self, at: datetime, level: Level = Level.GENERAL, *, until: str = "closed", rectified_after: timedelta = DAY
    ) -> None:  # fmt: skip
        """A hazard of the home, brought as far as `until`."""
        with self.transaction() as connection:
            found = Found(
                self.home, f"{MARK}举报人{PHONE}", f"{MARK}房间", Category.FIRE, level, Supervisor.HEAD,
                photos=(self.photo(connection, "nurse", self.home),),
            )  # fmt: skip
            made = operate.report(connection, found, self.actor("nurse", at))
            if until == "withdrawn":
                operate.withdraw(
                    connection, made.id, made.version, self.actor("nurse", at), reason=f"{MARK}记错",
                    supervises=False,
                )  # fmt: skip
            if until in {"reported", "withdrawn"}:
                return
            made = operate.assign(
                connection, made.id, made.version, self.actor("county", at),
                assignee_id=self.by["safety"].person_id, term="days-3", level=level, supervisor=Supervisor.HEAD,
                note=MARK,
            )  # fmt: skip
            if until == "assigned":
                return
            later = at + rectified_after
            made = operate.rectify(
                connection, made.id, made.version, self.actor("safety", later), measures=f"{MARK}整改",
                photos=(self.photo(connection, "safety", self.home),),
            )  # fmt: skip
            made = operate.recheck(
                connection, made.id, made.version, self.actor("county", later), passed=True, note=MARK, photos=()
            )
            operate.close(connection, made.id, made.version, self.actor("county", later), note=MARK)

    def check(self, at: datetime, kind: VisitKind = VisitKind.SELF_CHECK, *, conclude: bool = True) -> None:
        with self.transaction() as connection:
            team = (Member(self.by["safety"].person_id, Duty.LEADER),)
            planned = Plan(self.home, kind, at.date(), team, purpose=f"{MARK}目的")
            made = visit_operate.plan(connection, planned, self.actor("safety", at))
            made = visit_operate.begin(connection, made.id, made.version, self.actor("safety", at))
            if conclude:
                visit_operate.conclude(
                    connection, made.id, made.version, self.actor("safety", at), conclusion=f"{MARK}结论"
                )  # fmt: skip

    def listed(self, kind: ListKind, place: int, *, months: int = 0) -> UUID:
        """An institution on a list since five days and so many months ago."""
        listed_at = add_months(NOW - 5 * DAY, -months)
        at = listed_at - 30 * DAY
        with self.transaction() as connection:
            made = credit_list_operate.propose(
                connection, place, kind, self.actor("inspector", at), reason=f"{MARK}理由"
            )
            made = credit_list_operate.notify(connection, made.id, made.version, self.actor("inspector", at), note=MARK)
            made = credit_list_operate.deliver(
                connection, made.id, made.version, self.actor("inspector", at), delivered_at=at,
                delivery=Delivery.POST, note=MARK,
            )  # fmt: skip
            made = credit_list_operate.decide(
                connection, made.id, made.version, self.actor("county", listed_at), Verb.LIST, note=MARK
            )
        return made.id

    def make_known(self, who: str, entry_id: UUID, words: str) -> httpx.Response:
        body = {"published": True, "words_zh": words, "words_en": "reasons"}
        return self.clients[who].post(f"/api/credit-lists/{entry_id}/publication", json=body)

    def take_back(self, who: str, entry_id: UUID, note: str = "") -> httpx.Response:
        body = {"published": False, "note": note}
        return self.clients[who].post(f"/api/credit-lists/{entry_id}/publication", json=body)
