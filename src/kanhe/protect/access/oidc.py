"""Single sign-on with OpenID Connect Core 1.0: the authorization code flow with PKCE (RFC 7636, S256).

This is the part that judges; what is asked of the provider over the network comes in through
`Provider`. Nobody gets an account by signing in elsewhere: an account that was invited is tied to one
subject of one issuer, and only that subject opens it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kanhe.core.decision import Text
from kanhe.core.errors import KanheError
from kanhe.protect.access.chance import RandomBytes

FLOW_MS = 10 * 60_000
"""How long somebody may take at the provider."""
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
"""Signatures accepted on an ID token; none of them is made with the client's secret."""
_LEEWAY_S = 60
_SECOND_FACTORS = frozenset({"mfa", "otp", "hwk", "swk", "fpt", "face", "pop"})
"""Methods (RFC 8176) that say a second factor was shown."""


class SignOnRefused(KanheError):
    """What came back from the provider does not hold."""

    def __init__(self, why: str) -> None:
        super().__init__(f"single sign-on: {why}")
        self.text = Text(
            "signing in with your company's account did not work; try again, or sign in another way",
            "单点登录未成功，请重试或改用其他登录方式",
        )


class Metadata(NamedTuple):
    """What a provider publishes of itself (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Provider(Protocol):
    """The provider, over the network. Every method raises `SignOnRefused` if it cannot be reached or
    answers with nonsense."""

    def metadata(self) -> Metadata:
        """What it publishes; that it is the issuer asked for has been checked."""

    def keys(self, *, again: bool = False) -> Mapping[str, Any]:
        """Its keys (RFC 7517), asked for anew if `again`."""

    def id_token(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for a code."""


class Subject(NamedTuple):
    """Somebody as the provider knows them."""

    issuer: str
    subject: str
    mail: str
    """As they say; nothing is decided by it."""
    second_factor: bool
    """Whether the provider says that it asked for a second factor."""


class SignOn:
    """The single sign-on with one provider. `redirect_uri` is the one place where browsers come back."""

    def __init__(
        self, provider: Provider, client_id: str, redirect_uri: str, random_bytes: RandomBytes
    ) -> None:
        self._provider = provider
        self._client_id = client_id
        self._redirect_uri = redirect_uri
        self._random_bytes = random_bytes

    def begin(self) -> tuple[str, dict[str, str]]:
        """Where to send the browser, and what is kept until it comes back."""
        state, nonce, verifier = (self._chance() for _ in range(3))
        url = prepare_grant_uri(
            self._provider.metadata().authorization_endpoint,
            client_id=self._client_id,
            response_type="code",
            redirect_uri=self._redirect_uri,
            scope="openid email profile",
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return url, {"state": state, "nonce": nonce, "verifier": verifier}

    def finish(self, kept: Mapping[str, str], came_back: Mapping[str, str], now_ms: int) -> Subject:
        """Who came back. `came_back` are the parameters of the address. Raises `SignOnRefused`."""
        if not hmac.compare_digest(
            came_back.get("state", "").encode("utf-8", "replace"), kept["state"].encode()
        ):
            raise SignOnRefused("the state is another one")
        metadata = self._provider.metadata()
        # Against mix-up of providers (RFC 9207).
        if came_back.get("iss", metadata.issuer) != metadata.issuer:
            raise SignOnRefused("another issuer answered")
        if "error" in came_back:
            raise SignOnRefused(f"the provider answered {came_back['error'][:60]!r}")
        code = came_back.get("code", "")
        if not code:
            raise SignOnRefused("there is no code")
        token = self._provider.id_token(code, kept["verifier"], self._redirect_uri)
        return self._subject(self._verified(token), metadata.issuer, kept["nonce"], now_ms)

    def _verified(self, token: str) -> Mapping[str, Any]:
        """The claims of a token whose signature holds; keys that changed are asked for once."""
        for again in (False, True):
            try:
                keys = KeySet.import_key_set(dict(self._provider.keys(again=again)))  # type: ignore[arg-type]  # its own TypedDict
                return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            except (JoseError, ValueError, KeyError, TypeError) as error:
                if again:
                    raise SignOnRefused(f"the ID token does not hold: {error}") from error
        raise AssertionError("unreachable")

    def _subject(self, claims: Mapping[str, Any], issuer: str, nonce: str, now_ms: int) -> Subject:
        wanted = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": self._client_id},
            "sub": {"essential": True},
            "nonce": {"essential": True, "value": nonce},
        }
        params = {"nonce": nonce, "client_id": self._client_id}
        token = CodeIDToken(dict(claims), {}, wanted, params)
        try:
            token.validate(now=now_ms // 1_000, leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise SignOnRefused(f"the ID token does not hold: {error}") from error
        subject, mail = claims["sub"], claims.get("email")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise SignOnRefused("the subject is no text of 1 to 255 characters")
        methods = claims.get("amr")
        return Subject(
            issuer, subject, mail if isinstance(mail, str) else "",
            isinstance(methods, list) and bool(_SECOND_FACTORS.intersection(map(str, methods))),
        )  # fmt: skip

    def _chance(self) -> str:
        return urlsafe_b64encode(self._random_bytes(32)).decode("ascii").rstrip("=")
