"""Whatever is wrong with a TOML text is one kind of error, of which every file's reader makes its own."""

import tomllib

import pytest

from alerting.errors import RulesInvalid
from alerting.rules import parse
from ingest import toml_text


@pytest.mark.parametrize(
    "text",
    [
        "x", "x = ", "x = 2026-13-01", "x = " + "1" * 5000, "x = " + "[" * 5000, "x = " + "{a=" * 5000,
        "# \ud800", 'x = "\ud800"', "x = 1\0",
    ],
)  # fmt: skip
def test_it_is_told_as_what_it_is(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        toml_text.loads(text)
    with pytest.raises(RulesInvalid):
        parse(text)


def test_what_is_right_is_read() -> None:
    assert toml_text.loads('a = "长春"\nb.c = [1, 2]') == {"a": "长春", "b": {"c": [1, 2]}}
