"""Proof by data: what a sensor did since decides, whatever anybody says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from inspection.proof import Facts, Reason, prove

THEN = datetime(2026, 3, 2, 8, tzinfo=UTC)
WELL = Facts(
    rectified_at=THEN, has_device=True, active=False, raised=0, well_since=THEN - timedelta(hours=1), readings=40,
    last_reading_at=THEN + timedelta(hours=3),
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (WELL, Reason.PROVEN),
        (replace(WELL, rectified_at=None), Reason.NOT_RECTIFIED),
        (replace(WELL, active=True), Reason.STILL_FAILING),
        (replace(WELL, raised=1), Reason.FAILED_AGAIN),
        (replace(WELL, readings=0, last_reading_at=None), Reason.SILENT),
        (replace(WELL, readings=0, has_device=False), Reason.PROVEN),
        (replace(WELL, well_since=THEN + timedelta(hours=2)), Reason.TOO_SOON),
        (replace(WELL, well_since=None), Reason.PROVEN),
    ],
)
def test_the_verdict_names_its_reason(facts, reason):
    proof = prove(facts, 2.0, THEN + timedelta(hours=3))
    assert proof.reason is reason
    assert proof.holds == (reason is Reason.PROVEN)
    assert proof.body()["reason"] == reason.value


def test_it_has_to_be_well_for_as_long_as_the_policy_asks():
    assert prove(WELL, 24.0, THEN + timedelta(hours=23, minutes=59)).reason is Reason.TOO_SOON
    proof = prove(WELL, 24.0, THEN + timedelta(hours=24))
    assert (proof.reason, proof.enough_at) == (Reason.PROVEN, THEN + timedelta(hours=24))
