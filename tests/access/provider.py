"""A small OpenID provider on this machine, which can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "kanhe", "client secret"


class OpenProvider:
    """Signs in `subject` without asking anybody. Attributes change what it answers."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
        self.published = [self.key]
        self.issuer = ""
        self.subject = "sub-ana"
        self.claims: dict[str, Any] = {}
        """Claims put over those that are right; `None` leaves one out."""
        self.metadata: dict[str, Any] = {}
        self.status = 200
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    def sign_in(self, url: str) -> dict[str, str]:
        """What a browser brings back that was sent to `url`."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return {"code": code, "state": query["state"], "iss": self.issuer}

    def token(self, form: dict[str, str], auth: str, now: int) -> dict[str, Any] | None:
        """The answer of the token endpoint; `None` for what it refuses."""
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        named = base64.b64encode(b"kanhe:client%20secret").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["code_challenge_method"] != "S256"
            or asked["redirect_uri"] != form.get("redirect_uri")
            or auth != f"Basic {named}"
        ):
            return None
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": self.subject, "nonce": asked["nonce"],
            "iat": now, "exp": now + 300, "email": "ana@example.com", "amr": ["pwd", "otp"],
            **self.claims,
        }  # fmt: skip
        kept = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, kept, self.key)
        return {"access_token": "a", "token_type": "Bearer", "id_token": token}


@contextmanager
def open_provider(now_ms: Any) -> Iterator[OpenProvider]:
    """The provider, listening on loopback; `now_ms` is its clock."""
    provider = OpenProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked.append(self.path)
            if self.path.endswith("/openid-configuration"):
                self._say({
                    "issuer": provider.issuer,
                    "authorization_endpoint": f"{provider.issuer}/authorize",
                    "token_endpoint": f"{provider.issuer}/token",
                    "jwks_uri": f"{provider.issuer}/keys",
                    **provider.metadata,
                })  # fmt: skip
            else:
                self._say({"keys": [key.as_dict(private=False) for key in provider.published]})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            auth = self.headers.get("authorization", "")
            self._say(provider.token(form, auth, now_ms() // 1_000))

        def _say(self, content: dict[str, Any] | None) -> None:
            body = json.dumps(content or {"error": "invalid_grant"}).encode()
            self.send_response(provider.status if content else 400)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is written."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def came_back(answer: dict[str, str]) -> str:
    """The query of the address that a browser comes back to."""
    return urlencode(answer)
