"""Second factors and recovery codes in the database."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ingest.database import Connection

_BEGUN_LASTS: Final = timedelta(minutes=15)  # an enrolment that is not confirmed


@dataclass(frozen=True, slots=True, repr=False)
class SecondFactor:
    """Whose code is asked for: the sealed secret, and the newest step whose code was taken."""

    user_id: int
    sealed_secret: bytes
    used_step: int
    confirmed_at: datetime | None

    def __repr__(self) -> str:
        return f"SecondFactor(user_id={self.user_id}, used_step={self.used_step}, confirmed_at={self.confirmed_at})"


def load(connection: Connection, user_id: int) -> SecondFactor | None:
    """A user's second factor, or the enrolment they have begun; None when there is neither."""
    row = connection.execute(
        "SELECT user_id, sealed_secret, used_step, confirmed_at FROM second_factors"
        " WHERE user_id = %s AND (confirmed_at IS NOT NULL OR begun_at > now() - %s)",
        (user_id, _BEGUN_LASTS),
    ).fetchone()
    return SecondFactor(int(row[0]), bytes(row[1]), int(row[2]), row[3]) if row else None


def begin(connection: Connection, user_id: int, sealed_secret: bytes) -> bool:
    """Begin an enrolment, in place of one that was begun; False for somebody who has a second factor already."""
    return bool(
        connection.execute(
            "INSERT INTO second_factors AS known (user_id, sealed_secret) VALUES (%s, %s)"
            " ON CONFLICT (user_id) DO UPDATE SET sealed_secret = excluded.sealed_secret, begun_at = now(),"
            " used_step = 0 WHERE known.confirmed_at IS NULL",
            (user_id, sealed_secret),
        ).rowcount
    )


def confirm(connection: Connection, user_id: int) -> None:
    """From now on a code is asked for."""
    connection.execute("UPDATE second_factors SET confirmed_at = now() WHERE user_id = %s", (user_id,))


def take_step(connection: Connection, user_id: int, step: int) -> bool:
    """Note that the code of `step` was taken; False when it, or a later one, was: also at the same moment."""
    return bool(
        connection.execute(
            "UPDATE second_factors SET used_step = %s WHERE user_id = %s AND used_step < %s", (step, user_id, step)
        ).rowcount
    )


def remove(connection: Connection, user_id: int) -> bool:
    """Ask for no code any more, and forget the recovery codes; False when there was nothing."""
    return bool(connection.execute("DELETE FROM second_factors WHERE user_id = %s", (user_id,)).rowcount)


def replace_recovery_codes(connection: Connection, user_id: int, codes_sha256: Collection[bytes]) -> None:
    """These codes in place of those before."""
    connection.execute("DELETE FROM recovery_codes WHERE user_id = %s", (user_id,))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO recovery_codes (user_id, code_sha256) VALUES (%s, %s)",
            [(user_id, each) for each in codes_sha256],
        )


def take_recovery_code(connection: Connection, user_id: int, code_sha256: bytes) -> bool:
    """Use one up; False for one that is none, or was used before."""
    return bool(
        connection.execute(
            "UPDATE recovery_codes SET used_at = now() WHERE user_id = %s AND code_sha256 = %s AND used_at IS NULL",
            (user_id, code_sha256),
        ).rowcount
    )


def recovery_codes_left(connection: Connection, user_id: int) -> int:
    """How many were not used yet."""
    row = connection.execute(
        "SELECT count(*) FROM recovery_codes WHERE user_id = %s AND used_at IS NULL", (user_id,)
    ).fetchone()
    return int(row[0]) if row else 0
