"""The provider of the single sign-on, over HTTPS (on this machine HTTP will do)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from kanhe.protect.access.oidc import Metadata, SignOnRefused

_TIMEOUT_S = 8.0
_MOST_BYTES = 1_048_576
_DISCOVERY = "/.well-known/openid-configuration"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class HttpProvider:
    """Asks the provider at `issuer`. What it publishes is asked for once and kept."""

    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._lock = threading.Lock()
        self._metadata: Metadata | None = None
        self._keys: Mapping[str, Any] | None = None

    def metadata(self) -> Metadata:
        """What the provider publishes of itself. Raises `SignOnRefused`."""
        with self._lock:
            if self._metadata is None:
                told = self._asked("GET", self._issuer.rstrip("/") + _DISCOVERY)
                try:
                    found = Metadata(*(_text(told, name) for name in Metadata._fields))
                except KeyError as error:
                    raise SignOnRefused(f"the provider does not publish {error}") from error
                # OpenID Connect Discovery 1.0, 4.3: it must be the one that was asked for.
                if found.issuer != self._issuer:
                    raise SignOnRefused(f"the provider calls itself {found.issuer[:100]!r}")
                for url in found[1:]:
                    _check(url)
                self._metadata = found
            return self._metadata

    def keys(self, *, again: bool = False) -> Mapping[str, Any]:
        """The provider's keys. Raises `SignOnRefused`."""
        url = self.metadata().jwks_uri
        with self._lock:
            if self._keys is None or again:
                self._keys = self._asked("GET", url)
            return self._keys

    def id_token(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for a code (RFC 6749, 4.1.3; RFC 7636, 4.5). Raises `SignOnRefused`."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        named = (quote(self._client_id, safe=""), quote(self._client_secret, safe=""))
        auth = named if self._client_secret else None
        told = self._asked("POST", self.metadata().token_endpoint, data=form, auth=auth)
        token = told.get("id_token")
        if not isinstance(token, str):
            raise SignOnRefused("the provider gave no ID token")
        return token

    def _asked(self, method: str, url: str, **how: Any) -> dict[str, Any]:
        _check(url)
        try:
            with (
                httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
                client.stream(method, url, headers={"accept": "application/json"}, **how) as answer,
            ):
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise SignOnRefused("the provider's answer is too long")
                if answer.status_code != 200:
                    raise SignOnRefused(f"the provider answered {answer.status_code}")
        except httpx.HTTPError as error:
            raise SignOnRefused(f"the provider cannot be reached: {error}") from error
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SignOnRefused("the provider's answer is not JSON") from error


def _check(url: str) -> None:
    """Refuse what is not HTTPS, but on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise SignOnRefused(f"{url[:100]!r} is not an https address")


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str):
        raise KeyError(name)
    return value
