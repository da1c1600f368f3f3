"""People: their roles, how far they reach, and what a role may do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

_HINTED_LENGTH_MIN: Final = 8  # of a shorter address four characters would be too much


class Role(StrEnum):
    """What a person is to the institutions in their scope."""

    OPERATOR = "operator"
    INSTITUTION_MANAGER = "institution_manager"
    SAFETY_OFFICER = "safety_officer"
    INSPECTOR = "inspector"
    EXPERT = "expert"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What somebody may do within their scope."""

    VIEW = "view"
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    COMMENT = "comment"
    SHELVE = "shelve"
    OUT_OF_SERVICE = "out_of_service"
    MAINTENANCE = "maintenance"
    MANAGE_PLANS = "manage_plans"  # emergency plans and action cards
    VIEW_RESIDENTS = "view_residents"  # who cannot walk: personal data
    MANAGE_ROTATIONS = "manage_rotations"  # who is on duty, and who stands in
    ANSWER_DUTY_CHECK = "answer_duty_check"
    CALL_DUTY_CHECK = "call_duty_check"
    HAND_OVER = "hand_over"  # leave a note at the end of a shift, and take over: at one's own desk
    DRILL = "drill"
    MANAGE_PEOPLE = "manage_people"
    VIEW_NOTIFICATIONS = "view_notifications"
    VIEW_SYSTEM = "view_system"
    VIEW_LEDGER = "view_ledger"
    REPORT_HAZARD = "report_hazard"
    ASSIGN_HAZARD = "assign_hazard"
    RECTIFY_HAZARD = "rectify_hazard"  # and ask for more time
    RECHECK_HAZARD = "recheck_hazard"
    CLOSE_HAZARD = "close_hazard"  # and decide on extensions, and propose closing the institution
    RECORD_SAFETY = "record_safety"  # accidents, penalties, honours; and rate an institution now
    MANAGE_CREDIT_LIST = "manage_credit_list"  # propose, give notice, list, take off: red, watch and black list
    APPEAL_CREDIT_LIST = "appeal_credit_list"  # object to a listing, ask to be taken off
    DECIDE_CREDIT_APPEAL = "decide_credit_appeal"
    PLAN_INSPECTION = "plan_inspection"
    INSPECT = "inspect"  # as one of the team
    SIGN_REPORT = "sign_report"  # the monthly ledger
    WRITE_FILE = "write_file"  # the institution file; closing a gap of its fire acceptance: from outside only
    SIGN_COMMITMENT = "sign_commitment"  # 一承诺: for one's own institution
    REGISTER_DEVICE = "register_device"  # what reports from an institution without being registered
    MANAGE_SYSTEM = "manage_system"  # institutions, their gateways' accounts, and the alarm rules in force
    PUBLISH_PAGE = "publish_page"  # what the public reads; entries of the credit lists: from outside only
    DRAW = "draw"  # institutions and inspectors by lot, and plan campaigns


_DESK: Final = {
    Right.VIEW, Right.ACKNOWLEDGE, Right.COMMENT, Right.ANSWER_DUTY_CHECK, Right.HAND_OVER, Right.VIEW_RESIDENTS,
    Right.REPORT_HAZARD, Right.RECTIFY_HAZARD, Right.PLAN_INSPECTION, Right.INSPECT,
}  # fmt: skip
_HOUSE: Final = _DESK | {
    Right.RESET, Right.SHELVE, Right.DRILL, Right.VIEW_NOTIFICATIONS, Right.MANAGE_PLANS, Right.MANAGE_ROTATIONS,
    Right.ASSIGN_HAZARD, Right.WRITE_FILE, Right.REGISTER_DEVICE,
}  # fmt: skip
_TEAM: Final = {Right.VIEW, Right.COMMENT, Right.REPORT_HAZARD, Right.RECHECK_HAZARD, Right.INSPECT}
RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    Role.OPERATOR: frozenset(_DESK | {Right.SHELVE}),
    Role.SAFETY_OFFICER: frozenset(_HOUSE | {Right.OUT_OF_SERVICE, Right.MAINTENANCE}),
    Role.INSTITUTION_MANAGER: frozenset(
        _HOUSE
        | {
            Right.OUT_OF_SERVICE,
            Right.MAINTENANCE,
            Right.MANAGE_PEOPLE,
            Right.RECHECK_HAZARD,
            Right.CLOSE_HAZARD,
            Right.APPEAL_CREDIT_LIST,
            Right.SIGN_COMMITMENT,
            Right.PUBLISH_PAGE,
        }
    ),
    Role.INSPECTOR: frozenset(
        _TEAM
        | {
            Right.VIEW_NOTIFICATIONS,
            Right.ASSIGN_HAZARD,
            Right.RECORD_SAFETY,
            Right.MANAGE_CREDIT_LIST,
            Right.PLAN_INSPECTION,
            Right.WRITE_FILE,
        }
    ),
    Role.EXPERT: frozenset(_TEAM),
    Role.SUPERVISOR: frozenset(
        _TEAM
        | {
            Right.ACKNOWLEDGE,
            Right.ASSIGN_HAZARD,
            Right.CLOSE_HAZARD,
            Right.RECORD_SAFETY,
            Right.MANAGE_CREDIT_LIST,
            Right.DECIDE_CREDIT_APPEAL,
            Right.CALL_DUTY_CHECK,
            Right.DRILL,
            Right.MANAGE_PEOPLE,
            Right.MANAGE_ROTATIONS,
            Right.VIEW_NOTIFICATIONS,
            Right.VIEW_LEDGER,
            Right.PLAN_INSPECTION,
            Right.DRAW,
            Right.SIGN_REPORT,
            Right.WRITE_FILE,
            Right.PUBLISH_PAGE,
        }
    ),
    Role.ADMINISTRATOR: frozenset(Right),
}


def may_manage(own: Role, other: Role) -> bool:
    """Whether somebody with the role `own` may give the role `other`, or change who has it: it must permit nothing
    that one's own does not.

    >>> may_manage(Role.INSTITUTION_MANAGER, Role.OPERATOR), may_manage(Role.SUPERVISOR, Role.ADMINISTRATOR)
    (True, False)
    """
    return RIGHTS[other] <= RIGHTS[own]


@dataclass(frozen=True, slots=True)
class Scope:
    """One institution, or a region by the prefix of its GB/T 2260 code: "220322" a county, "2203" a city, "22" a
    province, "" everywhere. Raises ValueError for anything else."""

    institution_id: int | None = None
    region: str = ""

    def __post_init__(self) -> None:
        if len(self.region) not in (0, 2, 4, 6) or not (self.region == "" or self.region.isdigit()):
            raise ValueError(f"{self.region!r} is no prefix of a region code: 2, 4 or 6 digits")
        if self.institution_id is not None and self.region:
            raise ValueError("a scope is one institution or a region, not both")

    def covers(self, institution_id: int | None, region: str) -> bool:
        """Whether an institution of `region` lies within; None stands for the service itself, which only a scope of
        everywhere covers."""
        if institution_id is None:
            return self.institution_id is None and self.region == ""
        if self.institution_id is not None:
            return self.institution_id == institution_id
        return region.startswith(self.region)

    def within(self, other: "Scope", region: str = "") -> bool:
        """Whether all of this lies within `other`; `region` is that of this scope's institution, if it is one."""
        if self.institution_id is not None:
            return other.covers(self.institution_id, region)
        return other.institution_id is None and self.region.startswith(other.region)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is told or who acts."""

    id: int
    name: str
    role: Role
    scope: Scope
    language: str = "zh"
    active: bool = True

    def may(self, right: Right, institution_id: int | None, region: str) -> bool:
        """Whether they hold `right` over that institution."""
        return self.active and right in RIGHTS[self.role] and self.scope.covers(institution_id, region)


def contact_hint(address: str) -> str:
    """As much of an address as a page may show: the host, or the last four characters of something longer. In other
    addresses than these (wecombot://KEY) the secret stands where a host would.

    >>> contact_hint("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=secret")
    'qyapi.weixin.qq.com'
    >>> contact_hint("li.wei@example.org"), contact_hint("13800138000"), contact_hint("12345")
    ('example.org', '8000', '')
    >>> contact_hint("wecombot://0123456789abcdef")
    'cdef'
    """
    if address.lower().startswith(("http://", "https://", "mailto://", "mailtos://")):
        try:
            return urlsplit(address).hostname or ""
        except ValueError:
            return ""
    if address.count("@") == 1 and "://" not in address:
        return address.rpartition("@")[2]
    return address[-4:] if len(address) >= _HINTED_LENGTH_MIN else ""


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """A way to reach a person. The address may hold a secret, so it is kept out of every text of this object."""

    id: int
    person_id: int
    channel: str
    address: str
    rank: int

    def __repr__(self) -> str:
        return f"Contact(id={self.id}, person_id={self.person_id}, channel={self.channel!r}, rank={self.rank})"
