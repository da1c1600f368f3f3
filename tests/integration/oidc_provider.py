"""A small OpenID Connect provider over real HTTP: discovery, keys, and a token endpoint as strict as a real one.
Whoever asks it for a sign-in is signed in at once, as the test has said."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID, SECRET = "anhu", "a secret of the client: %&+"
KEY_BITS = 2048


class OidcProvider:
    """What it is to say: `claims` go over those of a good token; `down` answers 503, `alg_none` signs nothing."""

    def __init__(self) -> None:
        self.issuer = ""
        self.redirect_url = ""
        self.claims: dict[str, Any] = {}
        self.down = self.alg_none = self.another_issuer = self.posts_secret = False
        self.keys: list[RSAKey] = []
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self.rotate()

    def rotate(self, *, publish: bool = True) -> None:
        """Sign with a new key from now on, which is, or is not, among those published."""
        self._signing = RSAKey.generate_key(KEY_BITS, auto_kid=True)
        if publish:
            self.keys = [self._signing]

    def authorize(self, query: dict[str, str]) -> str:
        """Sign in and lead the browser back; the code is good once."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert (query["client_id"], query["redirect_uri"]) == (CLIENT_ID, self.redirect_url)
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return f"{self.redirect_url}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """A code for tokens."""
        if self.posts_secret:
            known = (form.get("client_id"), form.get("client_secret"))
        else:
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            known = tuple(map(unquote, pair.partition(":")[::2]))
        if known != (CLIENT_ID, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if asked is None or asked["code_challenge"].encode() != challenge or form["redirect_uri"] != self.redirect_url:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "s-1", "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"],
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.alg_none:
            parts = ({"alg": "none"}, claims)
            token = (
                ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts) + "."
            )
        else:
            token = jwt.encode({"alg": "RS256", "kid": self._signing.kid}, claims, self._signing)
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}

    def describe(self) -> dict[str, Any]:
        """Discovery."""
        methods = ["client_secret_post"] if self.posts_secret else ["client_secret_basic", "client_secret_post"]
        return {
            "issuer": "https://another.example" if self.another_issuer else self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys", "token_endpoint_auth_methods_supported": methods,
        }  # fmt: skip


@contextmanager
def running() -> Iterator[OidcProvider]:
    """A provider on a free port of this machine."""
    provider = OidcProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            if provider.down:
                self._answer(503, {})
            elif parts.path == "/.well-known/openid-configuration":
                self._answer(200, provider.describe())
            elif parts.path == "/keys":
                self._answer(200, KeySet(provider.keys).as_dict(private=False))
            elif parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._answer(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, answer = (
                (503, {}) if provider.down else provider.exchange(form, self.headers["Authorization"] or "")
            )
            self._answer(status, answer)

        def _answer(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
