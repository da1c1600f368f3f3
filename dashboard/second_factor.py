"""The second factor of an account: enrolled with a code, asked for at every sign-in, replaced by a recovery code.

Everything here happens in the caller's transaction, with the act in the ledger beside it. What a code is worth is
decided by dashboard/totp.py.
"""

from dataclasses import dataclass
from typing import Final

import segno

from alerting.ledger_store import record_act
from alerting.people import Person
from dashboard import recovery_code, totp
from dashboard import second_factor_store as store
from dashboard.account_key import AccountKey
from dashboard.errors import SecondFactorRefused, WrongCode
from dashboard.second_factor_store import SecondFactor
from dashboard.store import User
from dashboard.totp import Verdict
from ingest.database import Connection

_QR_SCALE: Final = 5  # pixels a module


@dataclass(frozen=True, slots=True, repr=False)
class Enrolment:
    """What an authenticator app needs to know; shown once, so it is kept out of every text of this object."""

    secret: str
    uri: str
    qr_svg: str


def load(connection: Connection, user: User) -> SecondFactor | None:
    """The second factor somebody signs in with, None for somebody without one."""
    found = store.load(connection, user.id)
    return found if found is not None and found.confirmed_at is not None else None


def begin(connection: Connection, user: User, key: AccountKey) -> Enrolment:
    """A new secret for somebody who has none; nothing is asked for before they confirm it. Raises SecondFactorRefused,
    AccountKeyUnusable."""
    secret = totp.new_secret()
    if not store.begin(connection, user.id, key.seal(secret.encode(), _purpose(user.id))):
        raise SecondFactorRefused("there is a second factor already: remove it first")
    uri = totp.uri(secret, user.username)
    picture = segno.make(uri, error="m", micro=False)
    return Enrolment(secret, uri, picture.svg_inline(scale=_QR_SCALE, border=4, light="#fff"))


def confirm(connection: Connection, user: User, code: str, key: AccountKey, now_s: float) -> list[str]:
    """Take the second factor into use, for it was shown to work: the recovery codes, of which only hashes are kept.
    Raises WrongCode, SecondFactorRefused, AccountKeyUnusable."""
    begun = store.load(connection, user.id)
    if begun is None or begun.confirmed_at is not None:
        raise SecondFactorRefused("no enrolment has been begun, or too long ago")
    _take_totp(connection, begun, code, key, now_s)
    store.confirm(connection, user.id)
    codes = _new_codes(connection, user)
    note(connection, f"user:{user.username}", user.person, "enrol_second_factor")
    return codes


def check(connection: Connection, user: User, code: str, key: AccountKey, now_s: float) -> None:
    """Take a code of somebody who has a second factor: the authenticator's, or a recovery code, which is used up.
    Raises WrongCode, AccountKeyUnusable."""
    known = load(connection, user)
    if known is None:
        raise WrongCode
    if len(code) == totp.DIGITS and code.isascii() and code.isdigit():
        _take_totp(connection, known, code, key, now_s)
        return
    if not store.take_recovery_code(connection, user.id, recovery_code.code_sha256(code)):
        raise WrongCode
    note(connection, f"user:{user.username}", user.person, "use_recovery_code")


def renew_recovery_codes(connection: Connection, user: User) -> list[str]:
    """New recovery codes in place of those before."""
    codes = _new_codes(connection, user)
    note(connection, f"user:{user.username}", user.person, "renew_recovery_codes")
    return codes


def remove(connection: Connection, user: User, actor: str, verb: str) -> None:
    """Ask for no code any more. Raises SecondFactorRefused when there is no second factor."""
    if not store.remove(connection, user.id):
        raise SecondFactorRefused("there is no second factor")
    note(connection, actor, user.person, verb)


def note(connection: Connection, actor: str, whose: Person, verb: str) -> None:
    """An act about somebody's account in the ledger."""
    record_act(
        connection, actor=actor, verb=verb, subject=f"person:{whose.id}", institution_id=whose.scope.institution_id,
        body={},
    )  # fmt: skip


def _take_totp(connection: Connection, known: SecondFactor, code: str, key: AccountKey, now_s: float) -> None:
    secret = key.open(known.sealed_secret, _purpose(known.user_id)).decode()
    judged = totp.judge(secret, code, now_s, known.used_step)
    if judged.verdict is not Verdict.RIGHT or judged.step is None:
        raise WrongCode
    if not store.take_step(connection, known.user_id, judged.step):
        raise WrongCode  # somebody took it at the same moment


def _new_codes(connection: Connection, user: User) -> list[str]:
    codes = recovery_code.draw()
    store.replace_recovery_codes(connection, user.id, [recovery_code.code_sha256(each) for each in codes])
    return codes


def _purpose(user_id: int) -> str:
    return f"totp:{user_id}"
