"""Scopes and rights: nobody reaches past their institution or region."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.people import RIGHTS, Contact, Person, Right, Role, Scope

REGIONS = st.sampled_from(["", "22", "2203", "220322", "220323", "2204", "31"])
SCOPES = st.one_of(st.builds(Scope, region=REGIONS), st.builds(Scope, institution_id=st.integers(1, 3)))


def test_a_county_reaches_its_own_homes_only():
    county = Scope(region="220322")
    assert county.covers(1, "220322")
    assert not county.covers(2, "220323")
    assert not county.covers(3, "")
    assert Scope(region="2203").covers(2, "220323")
    assert not Scope(region="2203").covers(2, "2204")


def test_an_institution_is_itself():
    assert Scope(institution_id=1).covers(1, "220322")
    assert not Scope(institution_id=1).covers(2, "220322")


def test_the_service_itself_is_for_those_who_reach_everywhere():
    assert Scope().covers(None, "")
    assert not Scope(region="22").covers(None, "")
    assert not Scope(institution_id=1).covers(None, "")


@pytest.mark.parametrize("region", ["2", "220", "22032", "2203221", "ab", " 2"])
def test_a_region_is_whole(region):
    with pytest.raises(ValueError, match="region"):
        Scope(region=region)


def test_not_both():
    with pytest.raises(ValueError, match="not both"):
        Scope(1, "22")


@given(
    inner=SCOPES, outer=SCOPES, institution=st.integers(1, 3), region=st.sampled_from(["220322", "220323", "310101"])
)
def test_within_means_covers_no_more(inner, outer, institution, region):
    if inner.within(outer, region) and inner.covers(institution, region):
        assert outer.covers(institution, region)


def test_rights():
    desk = Person(1, "值班员", Role.OPERATOR, Scope(institution_id=1))
    assert desk.may(Right.ACKNOWLEDGE, 1, "220322")
    assert not desk.may(Right.ACKNOWLEDGE, 2, "220322")
    assert not desk.may(Right.OUT_OF_SERVICE, 1, "220322")
    gone = Person(1, "值班员", Role.ADMINISTRATOR, Scope(), active=False)
    assert not any(gone.may(right, 1, "220322") for right in Right)
    assert set(RIGHTS) == set(Role)
    assert Right.ACKNOWLEDGE not in RIGHTS[Role.INSPECTOR]


def test_a_contact_does_not_tell_its_address():
    contact = Contact(1, 2, "webhook", "https://hooks.example/secret", 1)
    assert "secret" not in f"{contact!r} {contact}"
