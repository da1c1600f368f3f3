"""Settings of the provider that would send secrets in the clear, or believe the wrong claim, are no settings."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from dashboard.id_token import has_second_factor
from dashboard.oidc_settings import OidcSettings

GOOD = {"issuer": "https://id.example.org", "client_id": "anhu", "redirect_url": "https://anhu.example.org/x"}


def test_without_an_issuer_nothing_is_wanted():
    assert OidcSettings().issuer == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://id.example.org"}, {"issuer": "ftp://id.example.org"}, {"issuer": "https://"},
        {"redirect_url": "http://10.0.0.1/x"}, {"redirect_url": ""}, {"client_id": ""}, {"scopes": "profile"},
        {"account_claim": "email"},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_refused_at_the_start(wrong: dict[str, str]):
    with pytest.raises(ValidationError):
        OidcSettings(**(GOOD | wrong))


def test_the_secret_is_read_anew_and_shown_nowhere(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_text("one\n")
    settings = OidcSettings(**GOOD, client_secret_file=path)
    assert settings.secret() == "one"
    path.write_text("two\n")
    assert settings.secret() == "two"
    assert "three" not in repr(OidcSettings(**GOOD, client_secret="three"))
    assert OidcSettings(**GOOD).secret() is None


@pytest.mark.parametrize(
    ("amr", "two"),
    [(set(), False), ({"otp"}, False), ({"pwd", "pin"}, False), ({"hwk", "otp"}, False), ({"pin", "hwk"}, True),
     ({"mfa"}, True), ({"pwd", "sms"}, True)],
)  # fmt: skip
def test_two_ways_are_two_kinds_of_ways(amr: set[str], two: bool):
    assert has_second_factor(amr) is two
