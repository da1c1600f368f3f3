"""Two institutions of different counties, with something of everything in each, and somebody of every role."""

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from PIL import Image

from alerting import (
    drill_runner,
    drill_store,
    duty_check_store,
    floor_plan_store,
    handover_store,
    oncall_store,
    people_store,
    suppression_store,
)
from alerting.alert import Alert, Kind, Priority, Source, Verb
from alerting.floor_plan import Picture
from alerting.oncall import Rotation, StandIn
from alerting.people import Person, Role, Scope
from alerting.rules import default_rules, parse
from alerting.settings import DrillSettings
from alerting.suppression import Means, Suppression
from dashboard import auth, store
from inspection import (
    credit_list_operate,
    draw_operate,
    draw_store,
    institution_document_operate,
    institution_file_store,
    operate,
    photo_store,
    report_operate,
    signature_store,
    visit_list_store,
    visit_operate,
)
from inspection.checklist import Level
from inspection.credit_criteria import ListKind
from inspection.decide import Found
from inspection.draw_operate import Wanted
from inspection.hazard import By, Category, Supervisor
from inspection.institution_document import Content, Type
from inspection.institution_file_store import Writer
from inspection.operate import Actor
from inspection.photo import Photo
from inspection.report import Period
from inspection.report_operate import Asked
from inspection.visit import Duty, Member
from inspection.visit import Kind as VisitKind
from inspection.visit_list_store import Campaign
from inspection.visit_operate import Plan
from tests.integration.dashboard_world import Served, World, build, sign_in

NO_FACTS: dict[str, Any] = {
    "open_by_priority": {}, "unacknowledged": 0, "alerts": [], "silences": [], "silence_count": 0, "drills": [],
    "drill_count": 0, "checks_called": 0, "checks_missed": [], "checks_missed_count": 0, "hazards": [],
    "hazard_count": 0, "offline_count": 0,
}  # fmt: skip
_PLAIN = {
    "checklist": "duties",
    "floor": 1,
    "report": "ledger",
    "paper": 2,
    "document_version": 1,
    "section": "trainings",
}
FOREIGN_WORDS = ("外县养老院", "Faraway", "faraway-1", "far-kitchen", "far-smk", "远处", "远方的人")


@dataclass(frozen=True)
class Two:
    """The world's home is one's own; everything of the other is foreign."""

    world: World
    far: int
    far_zone: int
    far_device: int
    own_alert: Alert
    far_alert: Alert
    self_alert: Alert
    own_suppression: int
    far_suppression: int
    own_person: int
    far_person: int
    passwords: dict[str, str]
    own_drill: UUID
    far_drill: UUID
    own_check: int
    far_check: int
    own_desk: int
    own_rotation: int
    far_rotation: int
    own_stand_in: int
    far_stand_in: int
    own_hazard: UUID
    far_hazard: UUID
    own_photo: UUID
    far_photo: UUID
    own_inspection: UUID
    far_inspection: UUID
    own_campaign: UUID
    own_draw: UUID
    own_relation: int
    own_version: int
    far_version: int
    own_entry: UUID
    far_entry: UUID
    own_gap: int
    far_gap: int
    own_document: UUID
    far_document: UUID
    rules_version: int
    own_handover: int
    far_handover: int

    def stands_for(self, name: Any) -> Any:
        """What a name in route_rights.EXPECTED stands for, ready for a path or a body."""
        if isinstance(name, dict):
            return {key: self.stands_for(each) for key, each in name.items()}
        if isinstance(name, list):
            return [self.stands_for(each) for each in name]
        if name in _PLAIN:
            return _PLAIN[name]
        if name in ("home", "kitchen"):
            return getattr(self.world, name)
        if name == "device":
            return self.world.devices[0]
        if name == "act_id":
            return str(uuid4())
        found = getattr(self, name)
        if isinstance(found, UUID):
            return str(found)
        return str(found.id) if name.endswith("_alert") else found

    def client(self, served: Served, username: str) -> httpx.Client:
        """Somebody signed in."""
        client = served.client(signed_in=False)
        sign_in(client, self.passwords[username], username).raise_for_status()
        return client


def picture(colour: str = "red") -> bytes:
    """A small photo."""
    written = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(written, "JPEG")
    return written.getvalue()


def insert(connection: psycopg.Connection[Any], table: str, **values: Any) -> int:
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id"  # noqa: S608 - names from below
    row = connection.execute(statement.encode(), list(values.values())).fetchone()
    assert row is not None
    return int(row[0])


def add_user(
    connection: psycopg.Connection[Any], username: str, role: Role, scope: Scope, *, name: str | None = None
) -> tuple[int, str]:
    """Somebody with a sign-in: the person's id and the password."""
    who = people_store.save_person(connection, actor="test", who=Person(0, name or username, role, scope))
    password = auth.readable_password()
    store.insert_user(connection, username, who.id, auth.hash_password(password), one_time=False)
    return who.id, password


def build_two(database_url: str) -> Two:
    """Fill a fresh database."""
    world = build(database_url)
    with psycopg.connect(database_url) as connection:
        far = insert(
            connection, "institutions", code="faraway-1", name="外县养老院", name_en="Faraway Home",
            kind="nursing_home", region="310101",
        )  # fmt: skip
        zone = insert(
            connection, "zones", institution_id=far, code="far-kitchen", name="远处厨房", name_en="Faraway Kitchen",
            kind="kitchen",
        )  # fmt: skip
        device = insert(
            connection, "devices", institution_id=far, zone_id=zone, code="far-smk", name="远处烟感", kind="smoke",
            report_interval_s=30,
        )  # fmt: skip
        insert(connection, "points", device_id=device, quantity="temperature", unit="Cel")
        for home, new, known in (("home-1", "new-1", "smk-0"), ("faraway-1", "new-1", "far-smk")):
            for code, quantity in ((new, ""), (known, "humidity")):
                connection.execute(
                    "INSERT INTO unclaimed_devices VALUES (%s, %s, %s, %s, now(), now(), 1, 't', '', '{smoke_alarm}')",
                    (home, code, quantity, "quantity_unregistered" if quantity else "device_unknown"),
                )
        rules = parse(default_rules())
        rules_version = insert(
            connection, "rule_sets", version=rules.version, sha256=rules.sha256, body=default_rules(), loaded_by="test"
        )
        passwords = {}
        persons = {}
        for role in Role:
            persons[role], passwords[role.value] = add_user(connection, role.value, role, Scope(world.home))
        county, passwords["county"] = add_user(connection, "county", Role.SUPERVISOR, Scope(None, "220322"))
        own_person, _ = add_user(connection, "own-nurse", Role.OPERATOR, Scope(world.home))
        far_person, _ = add_user(connection, "far-nurse", Role.OPERATOR, Scope(far), name="远方的人")
        numbers, drills, checks, hazards, photos, rotations, stand_ins = [], [], [], [], [], [], []
        visits = []
        own_desk = persons[Role.OPERATOR]
        far_desk, _ = add_user(connection, "far-desk", Role.OPERATOR, Scope(far), name="远方的人乙")
        for institution, absent, other in ((world.home, own_person, own_desk), (far, far_person, far_desk)):
            turns = Rotation(
                0, "远方的人班" if institution == far else "班", Role.OPERATOR, Scope(institution), (absent,),
                date(2026, 11, 23), (time(8),), 1,
            )  # fmt: skip
            rotations.append(oncall_store.put_rotation(connection, turns, replaces=None, actor="user:admin"))
            now = datetime.now(UTC)
            away = StandIn(0, absent, other, now + timedelta(days=3), now + timedelta(days=4))
            stand_ins.append(oncall_store.add_stand_in(connection, away, actor="user:admin", now=now))
            drawing = Picture("image/webp", b"?", 4, 3)
            floor_plan_store.save_picture(connection, institution, 1, drawing, seen=0, actor="user:admin")
            begun = suppression_store.begin(
                connection,
                Suppression(
                    0, Means.SHELVE, institution, None, None, Kind.LOW_BATTERY,
                    "own" if institution == world.home else "远处的原因",
                    "user:admin", datetime.now(UTC), datetime.now(UTC) + timedelta(hours=2),
                ),
            )  # fmt: skip
            numbers.append(begun.id)
            own = institution == world.home
            nurse = Actor(By("user:nurse", own_person if own else far_person, outside=False), datetime.now(UTC))
            photo = photo_store.keep(
                connection, Photo(picture(), 64, 48), institution_id=institution, uploader_id=nurse.by.person_id
            )
            found = Found(
                institution, "own" if own else "远处的隐患", "", Category.FIRE, Level.GENERAL, Supervisor.HEAD,
                photos=(photo,),
            )  # fmt: skip
            hazards.append(operate.report(connection, found, nurse).id)
            photos.append(photo)
            own_check = Plan(
                institution, VisitKind.SELF_CHECK, date(2026, 12, 1), (Member(nurse.by.person_id, Duty.LEADER),),
                ("duties",), purpose="own" if own else "远处的自查",
            )  # fmt: skip
            visits.append(visit_operate.plan(connection, own_check, nurse).id)
            asked = drill_runner.wanted(connection, institution, None, Kind.FIRE, DrillSettings(), by="user:admin")
            drills.append(drill_store.start(connection, asked).drill.id)
            checks.append(
                duty_check_store.call(connection, institution, called_by="user:admin", answer_s=600, note="").id
            )
    with psycopg.connect(database_url) as connection:
        above = Actor(By("user:county", county, outside=True), datetime.now(UTC))
        drawn = draw_operate.announce(
            connection, Wanted("own", "220322", 1, date(2026, 12, 1), officers=0), bytes(32), above
        )
        relation = draw_store.declare(
            connection, person_id=county, institution_id=world.home, relation="other", note="", actor="user:admin"
        )
        campaign = visit_list_store.create_campaign(
            connection,
            Campaign(
                uuid4(), 0, "own", "", "220322", date(2026, 12, 1), date(2026, 12, 31), [], above.now, "user:county",
                county,
            ),
        )  # fmt: skip
        in_it = Plan(
            world.home, VisitKind.CAMPAIGN, date(2026, 12, 2), (Member(county, Duty.LEADER),), campaign_id=campaign.id
        )  # fmt: skip
        visit_operate.plan(connection, in_it, above)
        versions = []
        for institution in (world.home, far):
            month, asked = Period(date(2026, 11, 1), date(2026, 11, 30)), Asked(Scope(institution), "zh", above.now)
            found = report_operate.ledger_facts(connection, month, asked)
            signer = people_store.person(connection, county)
            assert signer is not None
            made = signature_store.sign(connection, found, asked.scope, signer, "user:county", "")
            versions.append(made.id)
        entries = []
        for institution in (world.home, far):
            proposed = credit_list_operate.propose(
                connection,
                institution,
                ListKind.WATCH,
                above,
                reason="own" if institution == world.home else "远处的事",
            )
            entries.append(credit_list_operate.notify(connection, proposed.id, 1, above, note="").id)
        writer = Writer("user:county", county)
        gaps = [
            institution_file_store.open_gap(connection, each, "x", date(2026, 1, 5), None, writer).id
            for each in (world.home, far)
        ]
        documents = [
            institution_document_operate.add(
                connection, each, "licences", "own" if each == world.home else "远处的证", Content(Type.PDF, b"%PDF-"),
                writer,
            ).newest.document_id
            for each in (world.home, far)
        ]  # fmt: skip
        handovers = [
            handover_store.write(
                connection, Scope(each), actor="user:nurse", name="小周" if own else "远方的人",
                note="x" if own else "远处的夜班", since_at=datetime.now(UTC), facts=NO_FACTS,
            ).id
            for each, own in ((world.home, True), (far, False))
        ]  # fmt: skip
    far_alert = world.say(Verb.RAISE, source=Source(far, zone, device), latching=True)
    own_alert = world.say(Verb.RAISE, latching=True)
    self_alert = world.say(Verb.RAISE, kind=Kind.SYSTEM, source=Source(None, None, None), priority=Priority.HIGH)
    return Two(
        world, far, zone, device, own_alert, far_alert, self_alert, numbers[0], numbers[1], own_person, far_person,
        passwords, *drills, *checks, own_desk, *rotations, *stand_ins, *hazards, *photos,
        *visits, campaign.id, drawn.id, relation, *versions, *entries, *gaps, *documents, rules_version, *handovers,
    )  # fmt: skip
