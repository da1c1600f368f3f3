"""Who may call which route, and with what: the table that tests/integration/test_people_matrix.py goes through.

Whoever adds a route adds a row; one that is missing fails the test.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from alerting.people import Right
from alerting.rules import default_rules
from inspection.institution_file import InstitutionFile, Kept, Practice
from inspection.institution_file_workbook import Entry, workbook
from tests.integration.people_world import picture

PICTURE = picture()
UNTIL = (datetime.now(UTC) + timedelta(minutes=20)).isoformat()
LATER = (datetime.now(UTC) + timedelta(minutes=40)).isoformat()


@dataclass(frozen=True)
class Expected:
    """Who may call a route (one of `rights`), and what to put into its path and body: own things, foreign things."""

    rights: frozenset[Right]
    own: dict[str, Any] = field(default_factory=dict)  # path parameters → attribute of Two; "" for the query or body
    foreign: dict[str, Any] | None = None  # None: a list, which shows nothing foreign
    body: Any = None
    query: str = ""
    content: bytes | None = None  # instead of a body
    everywhere: bool = False
    picture: bool = False  # the body is one, and what else is said stands in the query


def may(*rights: Right, **more: Any) -> Expected:
    return Expected(frozenset(rights), **more)


VISIT = {"own": {"inspection_id": "own_inspection"}, "foreign": {"inspection_id": "far_inspection"}}
DRAW = {"own": {"draw_id": "own_draw"}}
ALERT = {"own": {"alert_id": "own_alert"}, "foreign": {"alert_id": "far_alert"}}
PERSON = {"own": {"person_id": "own_person"}, "foreign": {"person_id": "far_person"}}
PLACE = {"own": {"": {"institution_id": "home"}}, "foreign": {"": {"institution_id": "far"}}}
HAZARD = {"own": {"hazard_id": "own_hazard"}, "foreign": {"hazard_id": "far_hazard"}}
CREDIT = {"own": {"entry_id": "own_entry"}, "foreign": {"entry_id": "far_entry"}}
PAPER = {"own": CREDIT["own"] | {"seq": "paper"}, "foreign": CREDIT["foreign"] | {"seq": "paper"}}
HANDOVER = {"own": {"handover_id": "own_handover"}, "foreign": {"handover_id": "far_handover"}}
HOME = {"own": {"institution_id": "home"}, "foreign": {"institution_id": "far"}}
FLOOR = {"own": HOME["own"] | {"floor": "floor"}, "foreign": HOME["foreign"] | {"floor": "floor"}}
DOCUMENT = {"own": {"document_id": "own_document"}, "foreign": {"document_id": "far_document"}}
REPORT = {"own": {"report": "report"}}
VERSION = {"own": {"version_id": "own_version"}, "foreign": {"version_id": "far_version"}}
MONTH = "from=2026-11-01&to=2026-11-30"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><path d="M0 0h4"/></svg>'
CONTACTS = {"contacts": Kept(0, ({"what": "duty", "name": "x", "phone": "119"},))}
WORKBOOK = workbook([Entry("home-1", "", InstitutionFile(0, "", CONTACTS, (), Practice()))], "zh")
SILENCE = {"means": "shelve", "reason": "test", "until_at": UNTIL}
SILENCING = (Right.SHELVE, Right.OUT_OF_SERVICE, Right.MAINTENANCE)
# Where a role may reach no further than its own: nobody grants more than they have.
GRANTS = ("/api/people/", "/api/campaigns", "/api/rotations", "/api/stand-ins")
ENDS = ("{rotation_id}/end", "{stand_in_id}/end", "{relation_id}/end")
# Everybody who is signed in; the session is one's own.
SESSION = {
    ("GET", "/api/session"), ("DELETE", "/api/session"), ("POST", "/api/session/password"), ("GET", "/api/account"),
    ("DELETE", "/api/account/sessions"), ("DELETE", "/api/account/sessions/{number}"),
    ("POST", "/api/account/tokens"), ("DELETE", "/api/account/tokens/{number}"),
    *(("POST", f"/api/account/second-factor{each}") for each in ("", "/confirm", "/recovery-codes", "/remove")),
}  # fmt: skip
# A machine's own token opens these, and no session does (test_export.py).
EXPORT = {("GET", f"/api/export/{each}") for each in ("alerts", "hazards", "ratings")}
PUBLIC = EXPORT | {("POST", "/api/session"), ("GET", "/healthz"), ("GET", "/metrics"),
          *(("GET", f"/api/session/{each}") for each in ("ways", "oidc", "oidc/callback")),
          ("GET", "/api/public/draws/{draw_id}"), ("GET", "/api/public/institutions/{institution_id}"),
          ("GET", "/api/public/counties/{region}")}  # fmt: skip
EXPECTED: dict[tuple[str, str], Expected] = {
    ("GET", "/api/institutions"): may(Right.VIEW),
    ("GET", "/api/institutions/{institution_id}"): may(
        Right.VIEW, own={"institution_id": "home"}, foreign={"institution_id": "far"}
    ),
    ("GET", "/api/wall"): may(Right.VIEW),
    ("GET", "/api/wall/calls"): may(Right.VIEW),
    ("GET", "/api/wall/institutions"): may(Right.VIEW),
    ("GET", "/api/wall/institutions/{institution_id}"): may(Right.VIEW, **HOME),
    ("GET", "/api/alerts"): may(Right.VIEW),
    ("GET", "/api/alerts/{alert_id}"): may(Right.VIEW, **ALERT),
    ("POST", "/api/alerts/{alert_id}/acknowledge"): may(Right.ACKNOWLEDGE, **ALERT, body={"version": 1}),
    ("POST", "/api/alerts/{alert_id}/reset"): may(Right.RESET, **ALERT, body={"version": 1}),
    ("POST", "/api/alerts/{alert_id}/comment"): may(Right.COMMENT, **ALERT, body={"note": "x"}),
    ("GET", "/api/alerts/{alert_id}/notifications"): may(Right.VIEW_NOTIFICATIONS, **ALERT),
    ("GET", "/api/suppressions"): may(Right.VIEW),
    ("POST", "/api/suppressions"): may(
        *SILENCING, own={"": {"institution_id": "home"}}, foreign={"": {"institution_id": "far"}}, body=SILENCE
    ),
    ("POST", "/api/suppressions/{suppression_id}/end"): may(
        *SILENCING, own={"suppression_id": "own_suppression"}, foreign={"suppression_id": "far_suppression"}
    ),
    ("GET", "/api/devices/{device_id}/readings"): may(
        Right.VIEW, own={"device_id": "device"}, foreign={"device_id": "far_device"}
    ),
    ("GET", "/api/people"): may(Right.MANAGE_PEOPLE, Right.READ_ALL),
    ("POST", "/api/people"): may(
        Right.MANAGE_PEOPLE,
        own={"": {"scope": {"institution_id": "home"}}},
        foreign={"": {"scope": {"institution_id": "far"}}},
        body={"name": "x", "role": "expert"},
    ),
    ("PATCH", "/api/people/{person_id}"): may(Right.MANAGE_PEOPLE, **PERSON, body={"language": "en"}),
    ("PUT", "/api/people/{person_id}/contacts"): may(Right.MANAGE_PEOPLE, **PERSON, body={"ways": []}),
    ("POST", "/api/people/{person_id}/reset-password"): may(Right.MANAGE_PEOPLE, **PERSON),
    ("GET", "/api/people/{person_id}/account"): may(Right.MANAGE_PEOPLE, **PERSON),
    ("PUT", "/api/people/{person_id}/identity"): may(Right.MANAGE_PEOPLE, **PERSON, body={"subject": "x"}),
    ("DELETE", "/api/people/{person_id}/identity"): may(Right.MANAGE_PEOPLE, **PERSON),
    ("POST", "/api/people/{person_id}/sign-out"): may(Right.MANAGE_PEOPLE, **PERSON),
    ("POST", "/api/people/{person_id}/reset-second-factor"): may(Right.MANAGE_PEOPLE, **PERSON),
    ("GET", "/api/audit"): may(Right.VIEW_AUDIT),
    ("GET", "/api/audit/file"): may(Right.VIEW_AUDIT),
    ("GET", "/api/ledger/verify"): may(Right.VIEW_LEDGER, everywhere=True),
    ("GET", "/api/drills"): may(Right.VIEW),
    ("GET", "/api/drills/{drill_id}"): may(
        Right.VIEW, own={"drill_id": "own_drill"}, foreign={"drill_id": "far_drill"}
    ),
    ("POST", "/api/drills"): may(Right.DRILL, **PLACE, body={"kind": "fire"}),
    ("GET", "/api/duty-checks"): may(Right.VIEW),
    ("POST", "/api/duty-checks"): may(Right.CALL_DUTY_CHECK, **PLACE, body={"answer_within_s": 600}),
    ("POST", "/api/duty-checks/{number}/answer"): may(
        Right.ANSWER_DUTY_CHECK, own={"number": "own_check"}, foreign={"number": "far_check"}
    ),
    ("GET", "/api/desk/sound"): may(Right.VIEW),
    ("GET", "/api/handovers"): may(Right.VIEW),
    ("GET", "/api/handovers/desk"): may(Right.HAND_OVER),
    ("GET", "/api/handovers/draft"): may(Right.HAND_OVER),
    ("POST", "/api/handovers"): may(Right.HAND_OVER, body={"name": "x", "note": "x"}),
    ("GET", "/api/handovers/{handover_id}"): may(Right.VIEW, **HANDOVER),
    ("POST", "/api/handovers/{handover_id}/take-over"): may(Right.HAND_OVER, **HANDOVER, body={"name": "y"}),
    ("GET", "/api/institutions/{institution_id}/plans"): may(Right.VIEW, **HOME),
    ("PUT", "/api/institutions/{institution_id}/plans/gas"): may(
        Right.MANAGE_PLANS, **HOME, body={"version": 0, "steps": [], "phones": []}
    ),
    ("DELETE", "/api/institutions/{institution_id}/plans/gas"): may(Right.MANAGE_PLANS, **HOME, query="version=9"),
    ("GET", "/api/institutions/{institution_id}/residents"): may(Right.VIEW_RESIDENTS, **HOME),
    ("PUT", "/api/institutions/{institution_id}/residents"): may(
        Right.MANAGE_PLANS, **HOME, body={"version": 0, "items": []}
    ),
    ("GET", "/api/institutions/{institution_id}/floor-plans"): may(Right.VIEW, **HOME),
    ("GET", "/api/institutions/{institution_id}/floor-plans/{floor}/picture"): may(Right.VIEW, **FLOOR),
    ("PUT", "/api/institutions/{institution_id}/floor-plans/{floor}/picture"): may(
        Right.MANAGE_PLANS, **FLOOR, query="version=9", content=DRAWING
    ),
    ("PUT", "/api/institutions/{institution_id}/floor-plans/{floor}/marks"): may(
        Right.MANAGE_PLANS, **FLOOR, body={"version": 9, "marks": []}
    ),
    ("DELETE", "/api/institutions/{institution_id}/floor-plans/{floor}"): may(
        Right.MANAGE_PLANS, **FLOOR, query="version=9"
    ),
    ("GET", "/api/rotations"): may(Right.VIEW),
    ("GET", "/api/rotations/people"): may(Right.MANAGE_ROTATIONS),
    ("PUT", "/api/rotations"): may(
        Right.MANAGE_ROTATIONS,
        own={"": {"scope": {"institution_id": "home"}, "members": ["own_person"]}},
        foreign={"": {"scope": {"institution_id": "far"}, "members": ["far_person"]}},
        body={"name": "班", "role": "operator", "anchor": "2026-11-23", "starts": ["08:00"], "shifts_per_turn": 1},
    ),
    ("POST", "/api/rotations/{rotation_id}/end"): may(
        Right.MANAGE_ROTATIONS, own={"rotation_id": "own_rotation"}, foreign={"rotation_id": "far_rotation"}
    ),
    ("POST", "/api/stand-ins"): may(
        Right.MANAGE_ROTATIONS,
        own={"": {"absent_id": "own_person", "stand_in_id": "own_desk"}},
        foreign={"": {"absent_id": "far_person", "stand_in_id": "own_desk"}},
        body={"from_at": UNTIL, "until_at": LATER},
    ),
    ("POST", "/api/stand-ins/{stand_in_id}/end"): may(
        Right.MANAGE_ROTATIONS, own={"stand_in_id": "own_stand_in"}, foreign={"stand_in_id": "far_stand_in"}
    ),
    ("GET", "/api/hazards"): may(Right.VIEW),
    ("GET", "/api/hazards/summary"): may(Right.VIEW),
    ("GET", "/api/hazards/options"): may(Right.VIEW),
    ("POST", "/api/hazards"): may(Right.REPORT_HAZARD, **PLACE, body={"title": "x", "category": "fire"}),
    ("POST", "/api/hazards/photos"): may(Right.REPORT_HAZARD, **PLACE, body={}, picture=True),
    ("GET", "/api/hazards/photos/{photo_id}"): may(
        Right.VIEW, own={"photo_id": "own_photo"}, foreign={"photo_id": "far_photo"}
    ),
    ("GET", "/api/hazards/{hazard_id}"): may(Right.VIEW, **HAZARD),
    ("GET", "/api/hazards/{hazard_id}/assignees"): may(Right.ASSIGN_HAZARD, **HAZARD),
    ("POST", "/api/hazards/{hazard_id}/assign"): may(
        Right.ASSIGN_HAZARD,
        **HAZARD,
        body={"version": 1, "assignee_id": 1, "level": "general", "supervisor": "head"},
    ),
    ("POST", "/api/hazards/{hazard_id}/rectify"): may(
        Right.RECTIFY_HAZARD, **HAZARD, body={"version": 1, "measures": "x"}
    ),
    ("POST", "/api/hazards/{hazard_id}/recheck"): may(
        Right.RECHECK_HAZARD, **HAZARD, body={"version": 1, "passed": True}
    ),
    ("POST", "/api/hazards/{hazard_id}/close"): may(Right.CLOSE_HAZARD, **HAZARD, body={"version": 1}),
    ("POST", "/api/hazards/{hazard_id}/extension"): may(
        Right.RECTIFY_HAZARD, **HAZARD, body={"version": 1, "until": UNTIL, "reason": "x"}
    ),
    ("POST", "/api/hazards/{hazard_id}/extension/decision"): may(
        Right.CLOSE_HAZARD, **HAZARD, body={"version": 1, "granted": True}
    ),
    ("POST", "/api/hazards/{hazard_id}/proposal"): may(
        Right.CLOSE_HAZARD, **HAZARD, body={"version": 1, "proposal": "close", "reason": "x"}
    ),
    ("POST", "/api/hazards/{hazard_id}/withdraw"): may(
        Right.REPORT_HAZARD, **HAZARD, body={"version": 9, "reason": "x"}
    ),
    ("POST", "/api/hazards/{hazard_id}/comment"): may(Right.COMMENT, **HAZARD, body={"note": "x"}),
    ("GET", "/api/inspections"): may(Right.VIEW),
    ("GET", "/api/inspections/figures"): may(Right.VIEW),
    ("GET", "/api/inspections/team/{institution_id}"): may(Right.PLAN_INSPECTION, **HOME),
    ("POST", "/api/inspections"): may(
        Right.PLAN_INSPECTION,
        **PLACE,
        body={"kind": "joint", "planned_for": "2026-12-01", "team": [{"person_id": 1, "duty": "leader"}]},
    ),
    ("GET", "/api/inspections/{inspection_id}"): may(Right.VIEW, **VISIT),
    ("POST", "/api/inspections/{inspection_id}/begin"): may(Right.INSPECT, **VISIT, body={"version": 1}),
    ("POST", "/api/inspections/{inspection_id}/answers"): may(
        Right.INSPECT, **VISIT, body={"checklist_id": "duties", "item_id": "drill", "outcome": "pass"}
    ),
    ("POST", "/api/inspections/{inspection_id}/findings"): may(
        Right.INSPECT, **VISIT, body={"title": "x", "category": "fire"}
    ),
    ("POST", "/api/inspections/{inspection_id}/conclude"): may(
        Right.INSPECT, **VISIT, body={"version": 1, "conclusion": "x"}
    ),
    ("POST", "/api/inspections/{inspection_id}/cancel"): may(
        Right.PLAN_INSPECTION, **VISIT, body={"version": 9, "reason": "x"}
    ),
    ("POST", "/api/inspections/{inspection_id}/comment"): may(Right.COMMENT, **VISIT, body={"note": "x"}),
    ("GET", "/api/phone/day"): may(Right.INSPECT),
    ("POST", "/api/phone/acts"): may(
        Right.INSPECT,
        own={"": {"id": "act_id", "subject_id": "own_inspection"}},
        foreign={"": {"id": "act_id", "subject_id": "far_inspection"}},
        body={"act": {"verb": "conclude", "conclusion": "x"}, "done_at": UNTIL, "sent_at": UNTIL},
    ),
    ("POST", "/api/phone/photos"): may(
        Right.REPORT_HAZARD,
        own={"": {"photo_id": "act_id", "institution_id": "home"}},
        foreign={"": {"photo_id": "act_id", "institution_id": "far"}},
        body={"taken_at": UNTIL, "sent_at": UNTIL},
        picture=True,
    ),
    ("GET", "/api/phone/hazards/{hazard_id}/stamps"): may(Right.VIEW, **HAZARD),
    ("GET", "/api/campaigns"): may(Right.VIEW),
    ("POST", "/api/campaigns"): may(
        Right.DRAW, body={"theme": "x", "region": "", "begins_on": "2026-12-01", "ends_on": "2026-12-31"}
    ),
    ("GET", "/api/campaigns/{campaign_id}"): may(Right.VIEW, own={"campaign_id": "own_campaign"}),
    ("GET", "/api/draws"): may(Right.DRAW, Right.READ_ALL),
    ("POST", "/api/draws"): may(
        Right.DRAW, body={"title": "x", "region": "220322", "visits": 9, "planned_for": "2026-12-01"}
    ),
    ("GET", "/api/draws/inspectors"): may(Right.DRAW, Right.READ_ALL),
    ("GET", "/api/draws/relations"): may(Right.DRAW, Right.READ_ALL),
    ("POST", "/api/draws/relations"): may(
        Right.DRAW, own={"": {"institution_id": "home", "person_id": "own_person"}}, body={"relation": "family"}
    ),
    ("POST", "/api/draws/relations/{relation_id}/end"): may(Right.DRAW, own={"relation_id": "own_relation"}),
    ("GET", "/api/draws/{draw_id}"): may(Right.DRAW, Right.READ_ALL, **DRAW),
    ("POST", "/api/draws/{draw_id}/draw"): may(Right.DRAW, **DRAW, body={"version": 9, "word": "x"}),
    ("POST", "/api/draws/{draw_id}/publish"): may(Right.DRAW, **DRAW, body={"version": 9}),
    ("POST", "/api/draws/{draw_id}/void"): may(Right.DRAW, **DRAW, body={"version": 9, "reason": "x"}),
    ("GET", "/api/checklists"): may(Right.VIEW),
    ("GET", "/api/checklists/{checklist_id}"): may(Right.VIEW, own={"checklist_id": "checklist"}),
    ("GET", "/api/ratings"): may(Right.VIEW),
    ("GET", "/api/ratings/policy"): may(Right.VIEW),
    ("GET", "/api/ratings/{institution_id}"): may(Right.VIEW, **HOME),
    ("POST", "/api/ratings/{institution_id}"): may(Right.RECORD_SAFETY, **HOME),
    ("GET", "/api/safety-records/{institution_id}"): may(Right.VIEW, **HOME),
    ("POST", "/api/safety-records"): may(
        Right.RECORD_SAFETY,
        **PLACE,
        body={"kind": "training", "occurred_at": "2026-01-05T08:00:00Z", "title": "x", "source": "x"},
    ),
    ("GET", "/api/institution-files"): may(Right.VIEW),
    ("GET", "/api/institution-files/catalogue"): may(Right.VIEW),
    ("GET", "/api/institution-files/fire-acceptance"): may(Right.VIEW),
    ("GET", "/api/institution-files/workbook"): may(Right.VIEW),
    ("POST", "/api/institution-files/workbook"): may(Right.WRITE_FILE, content=WORKBOOK),
    ("GET", "/api/institution-files/{institution_id}"): may(Right.VIEW, **HOME),
    ("GET", "/api/institution-files/{institution_id}/history"): may(Right.VIEW, **HOME),
    ("PUT", "/api/institution-files/{institution_id}/sections/{section}"): may(
        Right.WRITE_FILE,
        own=HOME["own"] | {"section": "section"},
        foreign=HOME["foreign"] | {"section": "section"},
        body={"version": 0, "rows": []},
    ),
    ("POST", "/api/institution-files/{institution_id}/fire-gaps"): may(
        Right.WRITE_FILE, **HOME, body={"title": "x", "found_on": "2026-01-05"}
    ),
    ("GET", "/api/institution-files/{institution_id}/documents"): may(Right.VIEW, **HOME),
    ("POST", "/api/institution-files/documents"): may(
        Right.WRITE_FILE, **PLACE, body={"section": "licences", "title": "x"}, picture=True
    ),
    ("POST", "/api/institution-files/documents/versions"): may(
        Right.WRITE_FILE,
        own={"": {"document_id": "own_document"}},
        foreign={"": {"document_id": "far_document"}},
        body={"version": 9, "title": "x"},
        picture=True,
    ),
    ("POST", "/api/institution-files/documents/{document_id}/remove"): may(
        Right.WRITE_FILE, **DOCUMENT, body={"version": 9, "reason": "x"}
    ),
    ("GET", "/api/institution-files/documents/{document_id}/versions/{version}"): may(
        Right.VIEW,
        own=DOCUMENT["own"] | {"version": "document_version"},
        foreign=DOCUMENT["foreign"] | {"version": "document_version"},
    ),
    ("GET", "/api/protections"): may(Right.VIEW),
    ("GET", "/api/protections/trend"): may(Right.VIEW),
    ("GET", "/api/protections/{institution_id}"): may(Right.VIEW, **HOME),
    ("POST", "/api/institution-files/fire-gaps/{gap_id}/close"): may(
        Right.WRITE_FILE,
        own={"gap_id": "own_gap"},
        foreign={"gap_id": "far_gap"},
        body={"outcome": "rectified", "closed_on": "2026-01-06"},
    ),
    ("GET", "/api/reports/{report}"): may(Right.VIEW, **REPORT, query=MONTH),
    ("GET", "/api/reports/{report}/file"): may(Right.VIEW, **REPORT, query=MONTH),
    ("GET", "/api/reports/ledger/versions/{version_id}"): may(Right.VIEW, **VERSION),
    ("GET", "/api/reports/ledger/versions/{version_id}/file"): may(Right.VIEW, **VERSION),
    ("POST", "/api/reports/ledger/signatures"): may(
        Right.SIGN_REPORT, **PLACE, body={"first": "2026-11-01", "last": "2026-11-30", "sha256": "0" * 64}
    ),
    ("GET", "/api/credit-lists"): may(Right.VIEW),
    ("GET", "/api/credit-lists/criteria"): may(Right.VIEW),
    ("POST", "/api/credit-lists"): may(Right.MANAGE_CREDIT_LIST, **PLACE, body={"kind": "red", "reason": "x"}),
    ("GET", "/api/credit-lists/{entry_id}"): may(Right.VIEW, **CREDIT),
    ("GET", "/api/credit-lists/{entry_id}/papers/{seq}"): may(Right.VIEW, **PAPER),
    ("POST", "/api/credit-lists/{entry_id}/notify"): may(Right.MANAGE_CREDIT_LIST, **CREDIT, body={"version": 2}),
    ("POST", "/api/credit-lists/{entry_id}/deliver"): may(
        Right.MANAGE_CREDIT_LIST, **CREDIT, body={"version": 9, "delivered_at": UNTIL, "delivery": "post"}
    ),
    ("POST", "/api/credit-lists/{entry_id}/list"): may(Right.MANAGE_CREDIT_LIST, **CREDIT, body={"version": 2}),
    ("POST", "/api/credit-lists/{entry_id}/drop"): may(
        Right.MANAGE_CREDIT_LIST, **CREDIT, body={"version": 9, "reason": "x"}
    ),
    ("POST", "/api/credit-lists/{entry_id}/revoke"): may(
        Right.MANAGE_CREDIT_LIST, **CREDIT, body={"version": 2, "reason": "x"}
    ),
    ("POST", "/api/credit-lists/{entry_id}/appeal"): may(
        Right.APPEAL_CREDIT_LIST, **CREDIT, body={"version": 2, "reason": "x"}
    ),
    ("POST", "/api/credit-lists/{entry_id}/appeal/decision"): may(
        Right.DECIDE_CREDIT_APPEAL, **CREDIT, body={"version": 2, "granted": True, "reason": "x"}
    ),
    ("POST", "/api/credit-lists/{entry_id}/repair"): may(
        Right.APPEAL_CREDIT_LIST, **CREDIT, body={"version": 2, "reason": "x"}
    ),
    ("POST", "/api/credit-lists/{entry_id}/repair/decision"): may(
        Right.MANAGE_CREDIT_LIST, **CREDIT, body={"version": 2, "granted": True, "reason": "x"}
    ),
    ("GET", "/api/credit-lists/{entry_id}/publication"): may(Right.VIEW, **CREDIT),
    ("POST", "/api/credit-lists/{entry_id}/publication"): may(
        Right.PUBLISH_PAGE, **CREDIT, body={"published": True, "words_zh": "x"}
    ),
    ("GET", "/api/commitments"): may(Right.VIEW),
    ("GET", "/api/commitments/{institution_id}"): may(Right.VIEW, **HOME),
    ("POST", "/api/commitments/{institution_id}"): may(
        Right.SIGN_COMMITMENT, **HOME, body={"sha256": "0" * 64, "months": 1}
    ),
    ("POST", "/api/commitments/{institution_id}/revoke"): may(
        Right.SIGN_COMMITMENT, Right.PUBLISH_PAGE, **HOME, body={"commitment_id": 1, "reason": "x"}
    ),
    ("POST", "/api/commitments/{institution_id}/publication"): may(
        Right.PUBLISH_PAGE, **HOME, body={"published": True}
    ),
    ("GET", "/api/visits-due"): may(Right.MANAGE_CREDIT_LIST, Right.READ_ALL),
    ("GET", "/api/system"): may(Right.VIEW_SYSTEM, everywhere=True),
    ("GET", "/api/dead-letters"): may(Right.VIEW_SYSTEM, everywhere=True),
    ("GET", "/api/institutions/{institution_id}/unclaimed"): may(Right.REGISTER_DEVICE, Right.READ_ALL, **HOME),
    ("POST", "/api/institutions/{institution_id}/devices"): may(
        Right.REGISTER_DEVICE,
        own=HOME["own"] | {"": {"zone_id": "kitchen"}},
        foreign=HOME["foreign"] | {"": {"zone_id": "far_zone"}},
        body={
            "heard": "new-1",
            "code": "new-1",
            "name": "x",
            "kind": "smoke",
            "report_interval_s": 60,
            "quantities": ["smoke_alarm"],
        },
    ),
    ("POST", "/api/institutions/{institution_id}/devices/{device_id}/quantities"): may(
        Right.REGISTER_DEVICE,
        own=HOME["own"] | {"device_id": "device"},
        foreign=HOME["foreign"] | {"device_id": "far_device"},
        body={"quantities": ["humidity"]},
    ),
    ("PUT", "/api/institutions/{institution_id}/devices/{device_id}/dates"): may(
        Right.REGISTER_DEVICE,
        own=HOME["own"] | {"device_id": "device"},
        foreign=HOME["foreign"] | {"device_id": "far_device"},
        body={"installed_on": "2026-01-05", "test_due_on": None},
    ),
    ("GET", "/api/devices/tests-due"): may(Right.VIEW),
    ("GET", "/api/unclaimed"): may(Right.VIEW_SYSTEM, everywhere=True),
    ("GET", "/api/panels"): may(Right.VIEW_SYSTEM, everywhere=True),
    ("GET", "/api/first-steps"): may(Right.MANAGE_SYSTEM),
    ("POST", "/api/institutions"): may(
        Right.MANAGE_SYSTEM,
        body={"code": "new-home", "name": "x", "kind": "other", "region": "220322"},
        everywhere=True,
    ),
    ("POST", "/api/institutions/{institution_id}/zones"): may(
        Right.REGISTER_DEVICE, **HOME, body={"code": "new-zone", "name": "x", "kind": "other"}
    ),
    ("POST", "/api/institutions/{institution_id}/gateway"): may(Right.MANAGE_SYSTEM, **HOME, body={}),
    ("POST", "/api/institutions/{institution_id}/trial"): may(Right.DRILL, **HOME, body={}),
    ("GET", "/api/devices"): may(Right.VIEW),
    ("GET", "/api/devices/unclaimed"): may(Right.VIEW),
    ("GET", "/api/devices/registry.csv"): may(Right.VIEW),
    ("GET", "/api/rules"): may(Right.VIEW),
    ("GET", "/api/rules/shipped"): may(Right.VIEW),
    ("GET", "/api/rules/versions"): may(Right.VIEW),
    ("GET", "/api/rules/versions/{version_id}"): may(Right.VIEW, own={"version_id": "rules_version"}),
    ("POST", "/api/rules/check"): may(Right.MANAGE_SYSTEM, body={"text": "x"}, everywhere=True),
    ("POST", "/api/rules"): may(
        Right.MANAGE_SYSTEM,
        body={"text": default_rules(), "reason": "x", "standing_sha256": "0" * 64},
        everywhere=True,
    ),
    ("GET", "/api/rules/backtest"): may(Right.MANAGE_SYSTEM, everywhere=True),
    ("POST", "/api/rules/backtest"): may(
        Right.MANAGE_SYSTEM,
        body={"text": default_rules(), "begin": "2026-11-01T00:00:00Z", "end": "2026-11-01T00:10:00Z"},
        everywhere=True,
    ),
    ("DELETE", "/api/rules/backtest"): may(Right.MANAGE_SYSTEM, everywhere=True),
    ("GET", "/api/system/health"): may(Right.VIEW_SYSTEM, everywhere=True),
}
