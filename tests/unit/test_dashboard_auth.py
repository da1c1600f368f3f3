"""Passwords: readable, hashed, and as slow to refuse for an unknown user as for a known one."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from dashboard import auth


def test_a_password_is_checked_against_its_hash():
    password = auth.readable_password()
    hashed = auth.hash_password(password)
    assert password not in hashed
    assert hashed.startswith("$argon2id$")
    assert auth.check_password(hashed, password)
    assert not auth.check_password(hashed, password + "x")
    assert not auth.check_password("no hash", password)


def test_no_password_opens_an_unknown_account():
    assert not auth.check_password(None, "")


def test_a_hash_is_as_dear_as_the_standard_asks():
    assert extract_parameters(auth.hash_password("right")) == RFC_9106_LOW_MEMORY


def test_an_unknown_user_costs_as_much_as_a_known_one(monkeypatch: pytest.MonkeyPatch):
    """What a check costs follows from the hash it is made against, not from a clock beside other work."""
    against: list[str] = []
    verify = PasswordHasher.verify

    def recorded(hasher: PasswordHasher, hashed: str | bytes, password: str | bytes) -> bool:
        against.append(str(hashed))
        return verify(hasher, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", recorded)
    hashed = auth.hash_password("right")
    assert not auth.check_password(hashed, "wrong")
    assert not auth.check_password(None, "wrong")
    assert [extract_parameters(each) for each in against] == [extract_parameters(hashed)] * 2


def test_readable_passwords_are_readable_and_all_different():
    passwords = {auth.readable_password() for _ in range(200)}
    assert len(passwords) == 200
    assert all(len(password) == 23 and not set(password) & set("01ilo") for password in passwords)
