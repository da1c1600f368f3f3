"""The broker's files."""

import base64

from anhu.mosquitto import password_line


def test_a_password_line_is_what_mosquitto_reads() -> None:
    line = password_line("anhu", "secret", bytes(range(12)))
    user, _, rest = line.partition(":")
    _, kind, rounds, salt, digest = rest.strip().split("$")
    assert (user, kind, rounds) == ("anhu", "7", "101")
    assert base64.b64decode(salt) == bytes(range(12))
    assert len(base64.b64decode(digest)) == 64
    assert "secret" not in line
