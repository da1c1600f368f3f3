"""What a provider's ID token says, once all of it is right (OpenID Connect Core 1.0, section 3.1.3.7). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from dashboard.errors import ProviderRefused

# Signed with the provider's private key. Never "none", nor by the client's secret, which is no proof of the provider.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
LEEWAY_S: Final = 60  # between the provider's clock and ours
SUBJECT_LENGTH_MAX: Final = 255
_KNOWN: Final = frozenset({"pwd", "pin", "kba"})
_HELD: Final = frozenset({"otp", "sms", "hwk", "swk", "sc", "tel"})


@dataclass(frozen=True, slots=True)
class Expected:
    """Who must have issued the token, to whom, and for which sign-in."""

    issuer: str
    client_id: str
    nonce: str


@dataclass(frozen=True, slots=True)
class IdToken:
    """Who signed in at the provider, and whether it says that it checked a second factor."""

    subject: str
    second_factor: bool
    claims: Mapping[str, Any]

    def account(self, claim: str) -> str | None:
        """The user name in `claim`, None where there is none."""
        value = self.claims.get(claim) if claim else None
        return value if isinstance(value, str) and value else None


class KeyUnknown(ProviderRefused):
    """The provider has signed with a key that is not among those we know: it may have a new one."""


def read(token: str, keys: KeySet, expected: Expected, now_s: float) -> IdToken:
    """Raises KeyUnknown, ProviderRefused with the reason: a signature, issuer, audience, nonce or time that is not
    right."""
    try:
        decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": expected.issuer},
                "aud": {"essential": True, "value": expected.client_id},
            },
            {"nonce": expected.nonce, "client_id": expected.client_id},
        )
        claims.validate(int(now_s), LEEWAY_S)
    except InvalidKeyIdError as error:
        raise KeyUnknown from error
    except (JoseError, ValueError, TypeError) as error:
        raise ProviderRefused(f"its token is not right: {error}") from error
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH_MAX or "\0" in subject:
        raise ProviderRefused("its token names no subject")
    amr = {each for each in claims.get("amr") or () if isinstance(each, str)}
    return IdToken(subject, has_second_factor(amr), dict(claims))


def has_second_factor(amr: set[str]) -> bool:
    """Whether the ways of authentication a provider tells (RFC 8176) are two: "mfa", or something known with something
    held.

    >>> has_second_factor({"mfa"}), has_second_factor({"pwd", "otp"}), has_second_factor({"pwd"})
    (True, True, False)
    """
    return "mfa" in amr or bool(amr & _KNOWN and amr & _HELD)
