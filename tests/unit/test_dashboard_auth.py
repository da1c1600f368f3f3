"""Passwords: readable, hashed, and as slow to refuse for an unknown user as for a known one."""

import time

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


def test_an_unknown_user_costs_as_much_time_as_a_known_one():
    hashed = auth.hash_password("right")
    auth.prepare()

    def cost_s(known: str | None) -> float:
        began_s = time.process_time()
        for _ in range(3):
            auth.check_password(known, "wrong")
        return time.process_time() - began_s

    assert 0.4 < cost_s(None) / cost_s(hashed) < 2.5


def test_readable_passwords_are_readable_and_all_different():
    passwords = {auth.readable_password() for _ in range(200)}
    assert len(passwords) == 200
    assert all(len(password) == 23 and not set(password) & set("01ilo") for password in passwords)
