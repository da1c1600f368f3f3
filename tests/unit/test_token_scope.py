"""A token's scopes only ever take away from what its person may."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.people import RIGHTS, Right, Role
from dashboard.app import path_templates
from dashboard.token_scope import TokenScope, known, offered, permitted

SCOPES = st.sets(st.sampled_from(TokenScope))
ROLES = st.sampled_from(Role)
PATHS = sorted({re.sub(r"\{\w+\}", "1", path) for path in path_templates()})
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"])


@given(SCOPES, SCOPES, ROLES, METHODS, st.sampled_from(PATHS))
def test_it_never_exceeds_the_person_and_more_scopes_never_mean_less(scopes, more, role, method, path):
    given_rights = permitted(scopes, role, method, path)
    assert given_rights <= RIGHTS[role]
    assert given_rights <= permitted(scopes | more, role, method, path)
    assert not permitted([], role, method, path)


@given(
    ROLES, METHODS, st.sampled_from([p for p in PATHS if re.match(r"/api/(account|session|people|ledger|system)", p)])
)
def test_no_token_reaches_accounts_passwords_people_or_the_service_itself(role, method, path):
    assert not permitted(list(TokenScope), role, method, path)


@given(SCOPES, ROLES, st.sampled_from(PATHS))
def test_reading_scopes_change_nothing(scopes, role, path):
    reading = {scope for scope in scopes if scope.value.endswith(":read")}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert not permitted(reading, role, method, path)


def test_a_scope_opens_its_own_area_and_no_other():
    def open_to(scope: TokenScope) -> set[str]:
        paths = [*PATHS, "/live"]
        return {p.removeprefix("/api").split("/")[1] for p in paths if permitted([scope], Role.ADMINISTRATOR, "GET", p)}

    assert open_to(TokenScope.ALERTS_READ) == {"alerts", "suppressions", "live"}
    assert open_to(TokenScope.ALERTS_OPERATE) == set()
    assert open_to(TokenScope.INSTITUTIONS_READ) == {"institutions", "devices"}
    assert open_to(TokenScope.HAZARDS_READ) == {"hazards"}
    assert open_to(TokenScope.INSPECTIONS_READ) == {"inspections", "campaigns", "checklists"}
    assert open_to(TokenScope.RATINGS_READ) == {"ratings"}
    assert open_to(TokenScope.EXPORT_READ) == {"export"}


def test_operating_needs_the_right_itself():
    operate = [TokenScope.ALERTS_OPERATE]
    path = "/api/alerts/7/acknowledge"
    assert Right.ACKNOWLEDGE in permitted(operate, Role.OPERATOR, "POST", path)
    assert permitted(operate, Role.EXPERT, "POST", path) == {Right.COMMENT}
    assert Right.VIEW_RESIDENTS not in permitted(list(TokenScope), Role.ADMINISTRATOR, "GET", "/api/alerts/7")


@pytest.mark.parametrize("role", Role)
def test_one_offers_what_one_has(role: Role):
    for scope in offered(role):
        reached = [permitted([scope], role, method, path) for path in [*PATHS, "/live"] for method in ("GET", "POST")]
        assert any(reached), scope


def test_an_unknown_scope_opens_nothing():
    assert known(["alerts:read", "everything:write"]) == {TokenScope.ALERTS_READ}
