"""Sign-in at an OpenID Connect provider: authorization code with PKCE (RFC 7636), state and nonce.

The provider says who somebody is, and nothing else: what they may is ours. What it must remember of a sign-in between
leaving for the provider and coming back is sealed in the browser's own cookie, so that any dashboard can go on with it.
"""

import base64
import binascii
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import anyio
import httpx
import orjson
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dashboard import id_token
from dashboard.account_key import AccountKey
from dashboard.errors import AccountKeyUnusable, ProviderRefused, ProviderUnavailable
from dashboard.id_token import Expected, IdToken, KeyUnknown
from dashboard.oidc_settings import OidcSettings, is_safe_url

LOGIN_S_MAX: Final = 600  # at the provider, from leaving to coming back
_METADATA_S_MAX: Final = 3600.0  # how long what it told of itself is believed
_KEYS_S_MIN: Final = 10.0  # between two looks at its keys, whoever sends us unknown ones
_FAILED_S: Final = 3.0  # after a failure nobody else asks it for so long
_ANSWER_BYTES_MAX: Final = 262_144
_PURPOSE: Final = "oidc sign-in"


@dataclass(frozen=True, slots=True)
class Login:
    """A sign-in on its way: what makes its answer ours, and where to go on afterwards."""

    state: str
    nonce: str
    verifier: str
    onward: str
    begun_s: float

    def seal(self, key: AccountKey) -> str:
        """For the browser's cookie. Raises AccountKeyUnusable."""
        return base64.urlsafe_b64encode(key.seal(orjson.dumps(asdict(self)), _PURPOSE)).decode()


def unseal(cookie: str, key: AccountKey, now_s: float) -> Login | None:
    """The sign-in that a cookie of ours holds; None for anything else, and for one begun too long ago."""
    try:
        login = Login(**orjson.loads(key.open(base64.urlsafe_b64decode(cookie), _PURPOSE)))
    except (AccountKeyUnusable, binascii.Error, ValueError, TypeError):
        return None
    return login if 0 <= now_s - login.begun_s <= LOGIN_S_MAX else None


@dataclass(frozen=True, slots=True)
class _Metadata:
    """What the provider tells of itself (OpenID Connect Discovery 1.0)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    posts_secret: bool  # takes the client's secret in the body only


class Provider:
    """The provider of the settings. Used on the event loop's thread."""

    def __init__(self, settings: OidcSettings) -> None:
        self.settings = settings
        self._client: httpx.AsyncClient | None = None
        self._metadata: _Metadata | None = None
        self._metadata_at_s = 0.0
        self._keys: KeySet | None = None
        self._keys_at_s = -_KEYS_S_MIN
        self._failed_at_s = -_FAILED_S
        self._asking = anyio.Lock()

    async def begin(self, onward: str) -> tuple[str, Login]:
        """Where to send the browser, and what to remember. Raises ProviderUnavailable."""
        metadata = await self._described()
        login = Login(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), onward, time.time()
        )
        asked = {
            "response_type": "code", "client_id": self.settings.client_id, "redirect_uri": self.settings.redirect_url,
            "scope": self.settings.scopes, "state": login.state, "nonce": login.nonce,
            "code_challenge": create_s256_code_challenge(login.verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        separator = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{separator}{urlencode(asked)}", login

    async def finish(self, code: str, login: Login) -> IdToken:
        """Who has signed in there. Raises ProviderUnavailable, ProviderRefused."""
        metadata = await self._described()
        answer = await self._exchange(metadata, code, login)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderRefused("it sent no ID token")
        expected = Expected(self.settings.issuer, self.settings.client_id, login.nonce)
        try:
            return id_token.read(token, await self._signing_keys(metadata), expected, time.time())
        except KeyUnknown:
            return id_token.read(token, await self._signing_keys(metadata, anew=True), expected, time.time())

    async def close(self) -> None:
        """End its connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _exchange(self, metadata: _Metadata, code: str, login: Login) -> Mapping[str, Any]:
        """The code for tokens (RFC 6749, section 4.1.3)."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.settings.redirect_url,
            "code_verifier": login.verifier,
        }  # fmt: skip
        try:
            secret = self.settings.secret()
        except OSError as error:
            raise ProviderUnavailable(f"the client's secret cannot be read: {error}") from error
        headers = {}
        if secret is None or metadata.posts_secret:
            form["client_id"] = self.settings.client_id
        if secret is not None and metadata.posts_secret:
            form["client_secret"] = secret
        elif secret is not None:
            pair = f"{quote(self.settings.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return await self._ask("POST", metadata.token_endpoint, form, headers)

    async def _described(self) -> _Metadata:
        async with self._asking:
            now_s = time.monotonic()
            if self._metadata is not None and now_s - self._metadata_at_s < _METADATA_S_MAX:
                return self._metadata
            if now_s - self._failed_at_s < _FAILED_S:
                raise ProviderUnavailable
            try:
                found = await self._ask("GET", f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                self._metadata = self._checked(found)
            except (ProviderUnavailable, ProviderRefused):
                self._failed_at_s = time.monotonic()
                raise
            self._metadata_at_s = now_s
            return self._metadata

    def _checked(self, found: Mapping[str, Any]) -> _Metadata:
        """Raises ProviderUnavailable for a description that is another provider's, or would have us send secrets in
        the clear."""
        if found.get("issuer") != self.settings.issuer:
            raise ProviderUnavailable("it calls itself another issuer than the settings do")
        methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        described = _Metadata(
            str(found.get("authorization_endpoint")),
            str(found.get("token_endpoint")),
            str(found.get("jwks_uri")),
            posts_secret="client_secret_basic" not in methods,
        )
        urls = described.authorization_endpoint, described.token_endpoint, described.jwks_uri
        if not all(map(is_safe_url, urls)):
            raise ProviderUnavailable("not all its addresses begin with https://")
        return described

    async def _signing_keys(self, metadata: _Metadata, *, anew: bool = False) -> KeySet:
        async with self._asking:
            old = anew and time.monotonic() - self._keys_at_s >= _KEYS_S_MIN
            if self._keys is None or old:
                try:
                    found = await self._ask("GET", metadata.jwks_uri)
                    self._keys = KeySet.import_key_set({"keys": found["keys"]})
                except (JoseError, KeyError, TypeError, ValueError) as error:
                    raise ProviderUnavailable(f"its keys cannot be read: {error}") from error
                self._keys_at_s = time.monotonic()
            return self._keys

    async def _ask(
        self, method: str, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """A JSON object. Raises ProviderUnavailable; ProviderRefused where it says that the request is not right."""
        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False, timeout=self.settings.answer_s_max)
        wanted = {"Accept": "application/json", **(headers or {})}
        body = bytearray()
        try:
            with anyio.fail_after(self.settings.answer_s_max):
                async with self._client.stream(method, url, data=form, headers=wanted) as answer:
                    async for chunk in answer.aiter_bytes():
                        body += chunk
                        if len(body) > _ANSWER_BYTES_MAX:
                            raise ProviderUnavailable("it answered too much")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise ProviderUnavailable(f"it does not answer: {type(error).__name__}") from error
        if method == "POST" and 400 <= answer.status_code < 500:
            raise ProviderRefused(f"it refused the code: {_reason(bytes(body))}")
        if answer.status_code != httpx.codes.OK:
            raise ProviderUnavailable(f"it answered {answer.status_code}")
        found = _json(bytes(body))
        if not isinstance(found, dict):
            raise ProviderUnavailable("its answer is no JSON object")
        return found


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _reason(body: bytes) -> str:
    """The error's name (RFC 6749, section 5.2); its description might repeat what we sent."""
    found = _json(body)
    return str(found.get("error"))[:60] if isinstance(found, dict) else "?"
