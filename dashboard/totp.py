"""Time-based one-time codes (RFC 6238) as authenticator apps show them: six digits, thirty seconds, SHA-1. Pure."""

import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pyotp

STEP_S: Final = 30
DIGITS: Final = 6
DRIFT_STEPS_MAX: Final = 1  # how far a phone's clock may be off, either way
SECRET_LENGTH: Final = 32  # base32: 160 bits, as RFC 4226 (section 4, R6) recommends
ISSUER: Final = "Anhu"


class Verdict(StrEnum):
    """What a code is worth."""

    RIGHT = "right"
    WRONG = "wrong"
    REPLAYED = "replayed"  # right, but it, or a later one, was taken before


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a code; `step` is the time step of a right one."""

    verdict: Verdict
    step: int | None = None


def new_secret() -> str:
    """A secret nobody has had, in base32."""
    return pyotp.random_base32(SECRET_LENGTH)


def uri(secret: str, username: str) -> str:
    """What the QR code says (otpauth://totp/…)."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S).provisioning_uri(name=username, issuer_name=ISSUER)


def code_at(secret: str, step: int) -> str:
    """The code of one time step: seconds since 1970 / STEP_S, rounded down (RFC 6238, section 4.2)."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S).generate_otp(step)


def judge(secret: str, code: str, now_s: float, used_step: int) -> Judged:
    """Whether `code` belongs to the step of `now_s` or one beside it, and to one later than `used_step`: a code is
    taken once (RFC 6238, section 5.2).

    >>> secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # that of the RFC's test vectors
    >>> judge(secret, "287082", 59, used_step=0)
    Judged(verdict=<Verdict.RIGHT: 'right'>, step=1)
    >>> judge(secret, "287082", 59, used_step=1).verdict
    <Verdict.REPLAYED: 'replayed'>
    >>> judge(secret, "287082", 120, used_step=0).verdict
    <Verdict.WRONG: 'wrong'>
    """
    now_step = int(now_s // STEP_S)
    steps = range(max(0, now_step - DRIFT_STEPS_MAX), now_step + DRIFT_STEPS_MAX + 1)
    # All are compared, in constant time each, so that the time taken says nothing about the phone's clock.
    given = code.encode("utf-8", "surrogatepass")
    fitting = [step for step in steps if hmac.compare_digest(code_at(secret, step).encode(), given)]
    if not fitting:
        return Judged(Verdict.WRONG)
    fresh = [step for step in fitting if step > used_step]
    return Judged(Verdict.RIGHT, fresh[0]) if fresh else Judged(Verdict.REPLAYED)
