"""A bureau's published year gives its own figures.

株洲市民政局's summary of 2023 says: 140 visits by its people, 112 problems found, 110 closed, 2 with a deadline; 1,690
self-checks with 60 major hazards, all closed; 118 homes, 78 public and 40 private, 92 of them with problems of fire
acceptance, all brought to none. The year is worked through act by act by the functions behind the API's
routes (inspection.visit_operate, inspection.operate,
inspection.institution_file_operate), which take the time as an argument: over HTTP every act would be
of today. Then the figures are asked of the API. Nothing is written into a table of results: there is none.
"""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from structlog.testing import capture_logs

from alerting import people_store
from alerting.people import Person, Role, Scope
from inspection import institution_file_operate, operate, photo_store, visit_operate
from inspection.checklist import Level
from inspection.hazard import By, Category, Hazard, State, Supervisor
from inspection.institution_file_store import Writer
from inspection.operate import Actor
from inspection.photo import Photo
from inspection.visit import Duty, Kind, Member
from inspection.visit_operate import Plan, Seen
from tests.integration.dashboard_world import build, serve
from tests.integration.people_world import add_user, insert

pytestmark = pytest.mark.integration

REGION = "430200"
HOMES, VISITS, PROBLEMS, SELF_CHECKS, MAJOR = 118, 140, 112, 1690, 60
OPEN_PROBLEMS = 2
PUBLIC_HOMES, HOMES_WITH_GAPS, GAPS_EACH = 78, 92, 2
PICTURE = Photo(b"\xff\xd8" + b"x" * 200, 10, 10)
BEGIN = datetime(2023, 1, 3, 1, tzinfo=UTC)
KINDS = (Kind.SURPRISE, Kind.JOINT, Kind.EXPERT)


class Bureau:
    """A city's homes with their managers, and the bureau's people."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        everybody = Scope(None, REGION[:4])
        self.head = self._person("局长", Role.SUPERVISOR, everybody)
        self.officer = self._person("监管干部", Role.INSPECTOR, everybody)
        self.homes, self.managers = [], []
        for number in range(HOMES):
            home = insert(
                connection, "institutions", code=f"zz-{number:03d}", name=f"第 {number + 1} 养老院", name_en="",
                kind="nursing_home", region=REGION,
            )  # fmt: skip
            self.homes.append(home)
            self.managers.append(self._person(f"院长{number}", Role.INSTITUTION_MANAGER, Scope(home)))

    def _person(self, name: str, role: Role, scope: Scope) -> By:
        who = people_store.save_person(self.connection, actor="test", who=Person(0, name, role, scope))
        return By(f"user:{name}", who.id, outside=scope.institution_id is None)

    def supervise(self, number: int, at: datetime, kind: Kind, problems: int) -> list[Hazard]:
        """A visit from outside that finds so many problems."""
        home = self.homes[number % HOMES]
        team = (Member(self.head.person_id, Duty.LEADER), Member(self.officer.person_id, Duty.OFFICER))
        plan = Plan(home, kind, at.date(), team, unannounced=kind is Kind.SURPRISE)
        return self._visit(plan, self.head, at, [f"问题 {number}-{each}" for each in range(problems)], Level.GENERAL)

    def check_oneself(self, number: int, at: datetime, major: int) -> list[Hazard]:
        """A self-check that finds so many major hazards."""
        place = number % HOMES
        manager = self.managers[place]
        plan = Plan(self.homes[place], Kind.SELF_CHECK, at.date(), (Member(manager.person_id, Duty.LEADER),))
        return self._visit(plan, manager, at, [f"重大隐患 {number}-{each}" for each in range(major)], Level.MAJOR)

    def _visit(self, plan: Plan, by: By, at: datetime, titles: list[str], level: Level) -> list[Hazard]:
        made = visit_operate.plan(self.connection, plan, Actor(by, at - timedelta(days=1)))
        made = visit_operate.begin(self.connection, made.id, made.version, Actor(by, at))
        for title in titles:
            seen = Seen(title, "", Category.FIRE, level, supervisor=Supervisor.DEPUTY)
            made = visit_operate.find(self.connection, made.id, Actor(by, at), seen)
        visit_operate.conclude(self.connection, made.id, made.version, Actor(by, at), conclusion="检查结束")
        rows = self.connection.execute(
            "SELECT id FROM hazards WHERE id = ANY(%s) ORDER BY no", ([each.hazard_id for each in made.findings],)
        )
        return [operate.hazard_store.load(self.connection, row[0]) for row in rows]

    def assign(self, hazard: Hazard, at: datetime, term: str) -> Hazard:
        manager = self.managers[self.homes.index(hazard.institution_id)]
        return operate.assign(
            self.connection, hazard.id, hazard.version, Actor(self.officer, at), assignee_id=manager.person_id,
            term=term, level=hazard.level, supervisor=hazard.supervisor, note="",
        )  # fmt: skip

    def work_off(self, hazard: Hazard, at: datetime) -> Hazard:
        """Rectified with a photo by the home, rechecked and closed by the bureau."""
        manager = self.managers[self.homes.index(hazard.institution_id)]
        photo = photo_store.keep(
            self.connection, PICTURE, institution_id=hazard.institution_id, uploader_id=manager.person_id
        )
        hazard = operate.rectify(
            self.connection, hazard.id, hazard.version, Actor(manager, at), measures="已整改", photos=(photo,)
        )
        at += timedelta(days=1)
        hazard = operate.recheck(
            self.connection, hazard.id, hazard.version, Actor(self.officer, at), passed=True, note="合格", photos=()
        )
        return operate.close(self.connection, hazard.id, hazard.version, Actor(self.head, at), note="")


def work_through_2023(bureau: Bureau) -> list[Hazard]:
    """Every act of the year, and what is still open at its end."""
    span = timedelta(days=350)
    problems = majors = 0
    found = []
    for number in range(VISITS):
        at = BEGIN + span * number / VISITS
        due = PROBLEMS * (number + 1) // VISITS - problems  # spread over the year
        problems += due
        found += bureau.supervise(number, at, KINDS[number % len(KINDS)], due)
    left = found[-OPEN_PROBLEMS:]
    for each in found:
        assigned = bureau.assign(each, each.reported_at + timedelta(hours=2), "days-30")
        if each not in left:
            bureau.work_off(assigned, each.reported_at + timedelta(days=4))
    for number in range(SELF_CHECKS):
        at = BEGIN + span * number / SELF_CHECKS
        due = MAJOR * (number + 1) // SELF_CHECKS - majors
        majors += due
        for each in bureau.check_oneself(number, at, due):
            bureau.work_off(bureau.assign(each, at + timedelta(hours=1), "days-7"), at + timedelta(days=2))
    return left


def bring_fire_gaps_to_zero(bureau: Bureau) -> None:
    """Every home says who owns it; the bureau finds gaps in January and sees one after another of them closed."""
    officer = people_store.person(bureau.connection, bureau.officer.person_id)
    by = Writer(bureau.officer.actor, officer.id)
    found_on, now = date(2023, 1, 10), datetime(2023, 12, 20, tzinfo=UTC)
    for number, home in enumerate(bureau.homes):
        manager = Writer(bureau.managers[number].actor, bureau.managers[number].person_id)
        row = {"legal_name": f"第 {number + 1} 养老院", "ownership": "public" if number < PUBLIC_HOMES else "private"}
        institution_file_operate.write(bureau.connection, home, "identity", 0, [row], manager, now)
        if number >= HOMES - HOMES_WITH_GAPS:
            for each in range(GAPS_EACH):
                gap = institution_file_operate.open_gap(
                    bureau.connection, home, f"消防问题 {each}", found_on, None, by, now
                )
                closed_on = found_on + timedelta(days=30 + 3 * number // 2 * (each + 1) % 300)
                institution_file_operate.close_gap(bureau.connection, gap, "rectified", closed_on, "", officer, by, now)


def figures(report: dict, title: str) -> dict[str, int]:
    [block] = [each for each in report["blocks"] if each["type"] == "figures" and title in each["title"]]
    return {each["label"]: each["value"] for each in block["items"]}


def test_a_published_year_gives_its_own_figures(database_url: str):
    world = build(database_url)
    with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
        bureau = Bureau(connection)
        with capture_logs(), connection.pipeline():  # seven thousand lines that nobody reads
            left = work_through_2023(bureau)
        [early] = bureau.supervise(5, datetime(2022, 12, 30, tzinfo=UTC), Kind.JOINT, 1)  # found in another year
        bureau.work_off(bureau.assign(early, early.reported_at, "days-15"), BEGIN)
        [late] = bureau.supervise(6, datetime(2024, 1, 9, tzinfo=UTC), Kind.JOINT, 1)
        bureau.assign(late, late.reported_at, "days-7")
        # What was left is closed in the new year; the old year's figures stay what they were.
        for each in left:
            closed = bureau.work_off(operate.hazard_store.load(connection, each.id), datetime(2024, 1, 5, tzinfo=UTC))
            assert closed.state is State.CLOSED
        bring_fire_gaps_to_zero(bureau)
        by = Writer(bureau.officer.actor, bureau.officer.person_id)
        new_year = datetime(2024, 1, 20, tzinfo=UTC)
        institution_file_operate.open_gap(  # a home that had none in 2023
            connection, bureau.homes[0], "新问题", date(2024, 1, 15), None, by, new_year
        )
        _, password = add_user(connection, "bureau", Role.SUPERVISOR, Scope(None, REGION[:4]))
    with serve(world) as served:
        client = served.client(signed_in=False)
        client.post("/api/session", json={"username": "bureau", "password": password}).raise_for_status()
        report = client.get("/api/reports/year", params={"from": "2023-01-01", "to": "2023-12-31"}).json()
        visits = figures(report, "督导检查")
        assert (visits["督查次数"], visits["检查机构"]) == (140, 118)
        assert (visits["发现问题隐患"], visits["已完成整改"], visits["限期整改"]) == (112, 110, 2)
        assert (visits["逾期未整改"], visits["待交办"], visits["已整改待复查、待销号"]) == (0, 0, 0)
        own = figures(report, "自查自纠")
        assert (own["自查次数"], own["其中重大隐患"], own["重大隐患已完成整改"]) == (1690, 60, 60)
        homes = figures(report, "消防审验")
        assert (homes["养老机构"], homes["公办"], homes["民办"]) == (118, 78, 40)
        assert homes["未填写公办或民办"] == 0
        assert (homes["存在消防问题的机构"], homes["已完成达标"], homes["期末仍存在问题"]) == (92, 92, 0)
        half = client.get("/api/reports/year", params={"from": "2023-01-01", "to": "2023-01-31"}).json()
        assert [figures(half, "消防审验")[each] for each in ("存在消防问题的机构", "已完成达标")] == [92, 0]
        following = client.get("/api/reports/year", params={"from": "2024-01-01", "to": "2024-01-31"}).json()
        assert figures(following, "督导检查")["督查次数"] == 1
        homes = figures(following, "消防审验")
        assert (homes["存在消防问题的机构"], homes["已完成达标"], homes["期末仍存在问题"]) == (1, 0, 1)
        # The same year from the ledgers of its months: what is on the list at the end of December are those two.
        month = client.get("/api/reports/ledger", params={"from": "2023-12-01", "to": "2023-12-31"}).json()
        assert figures(month, "总数")["期末在册"] == OPEN_PROBLEMS
        last = date(2023, 12, 31)
        listed = [row for block in month["blocks"] if block["type"] == "table" for row in block["rows"]]
        running = [row for row in listed if row[10] == "整改中"]
        assert sorted(row[3] for row in running) == sorted(each.title for each in left)
        assert all(row[9][:10] > last.isoformat() for row in running)
