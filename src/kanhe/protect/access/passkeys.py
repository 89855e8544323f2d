"""Passkeys: WebAuthn Level 3, by way of the fido2 library.

A passkey signs in by itself: it is something one has, and the device asks for a finger, a face or a
PIN before it signs (user verification, which is required here, and checked). So it stands for both
factors. Keys are discoverable, so that nobody types a name first. Attestation is not asked for: which
make of key somebody uses is nobody's business here.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from fido2.cose import CoseKey
from fido2.server import Fido2Server, to_descriptor
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kanhe.core.decision import Text
from kanhe.core.errors import KanheError
from kanhe.protect.access.chance import RandomBytes

CEREMONY_MS = 5 * 60_000
"""How long a browser has from the question to the answer (WebAuthn, 15.1)."""
MOST = 20
"""Passkeys of one person."""
_CHALLENGE_BYTES = 32
_LONGEST = 65_536
_COSE_ALG = 3
"""Where a key says its algorithm (RFC 9052, section 7.1)."""
_REQUIRED = UserVerificationRequirement.REQUIRED
_UNREADABLE = (
    ValueError, KeyError, TypeError, AttributeError, AssertionError, IndexError, OverflowError,
    RecursionError, struct.error, NotImplementedError, UnsupportedAlgorithm,
)  # fmt: skip
"""What the library raises for answers that do not hold, or that no browser would send."""


class PasskeyRefused(KanheError):
    """What a browser answered does not hold; `text` says why, for people."""

    def __init__(self, why: str, text: Text, *, unverified: bool = False) -> None:
        super().__init__(why)
        self.text = text
        self.unverified = unverified
        """Whether the key fits, but the device did not check who holds it."""


_UNFIT = Text("this passkey was not accepted; try again", "通行密钥未通过验证，请重试")
_UNVERIFIED = Text(
    "the device did not check that it is you: switch on a fingerprint, face or PIN for it",
    "设备未验证您的身份：请为其启用指纹、面容或 PIN",
)


class Passkey(NamedTuple):
    """A key as it is kept."""

    key: bytes
    """Its id and public part (attested credential data)."""
    counter: int


class Asked(NamedTuple):
    """A question for the browser: `options` are JSON for `navigator.credentials`, `state` is kept."""

    options: str
    state: dict[str, Any]


class Answered(NamedTuple):
    """What was found in an answer that holds."""

    key: bytes
    counter: int
    backed_up: bool


class Passkeys:
    """Questions to browsers, and judgement of their answers, for one origin, or several of one domain.

    `origin` is what stands in front of every path, such as `https://desk.example.com`; its host is the
    relying party, unless `host` names a domain that all origins lie in. Browsers make passkeys for
    host names only, over HTTPS or on `localhost`.
    """

    def __init__(
        self,
        origin: str,
        name: str,
        random_bytes: RandomBytes,
        *,
        more_origins: Iterable[str] = (),
        host: str = "",
    ) -> None:
        parts = urlsplit(origin)
        origins = {f"{parts.scheme}://{parts.netloc}", *more_origins}
        self._host = host or parts.hostname or ""
        self._random_bytes = random_bytes
        self._server = Fido2Server(
            PublicKeyCredentialRpEntity(id=self._host, name=name),
            verify_origin=lambda said: said in origins,
        )
        self.possible = _may_have_passkeys(parts.scheme, self._host)
        """Whether browsers make passkeys for this origin at all."""

    def ask_to_make(
        self,
        handle: bytes,
        mail: str,
        name: str,
        present: Iterable[bytes],
        challenge: bytes = b"",
        *,
        discoverable: bool = True,
    ) -> Asked:
        """The question for a new passkey of somebody who has those that are `present`.

        `handle` is what the key remembers them by: at most 64 bytes that say nothing of them.
        `challenge` is what is signed, by chance if it is not given. A passkey that need not be
        `discoverable` takes no room on a security key.
        """
        options, state = self._server.register_begin(
            PublicKeyCredentialUserEntity(id=handle, name=mail, display_name=name),
            [to_descriptor(AttestedCredentialData(key)) for key in present],
            resident_key_requirement=(
                ResidentKeyRequirement.REQUIRED
                if discoverable
                else ResidentKeyRequirement.PREFERRED
            ),
            user_verification=_REQUIRED,
            challenge=challenge or self._random_bytes(_CHALLENGE_BYTES),
        )
        return Asked(_json(options.public_key), dict(state))

    def made(self, state: dict[str, Any], response: str) -> Answered:
        """The new passkey that a browser made. Raises `PasskeyRefused`."""
        answer = _read(response)
        try:
            found = self._server.register_complete(_state(state), answer)
        except _UNREADABLE as error:
            raise _refusal(error) from error
        if found.credential_data is None:
            raise PasskeyRefused("there is no key in the answer", _UNFIT)
        if found.credential_data.public_key.get(_COSE_ALG) not in CoseKey.supported_algorithms():
            # The library keeps what it does not know, and would fail when it is to be checked.
            raise PasskeyRefused("the key is of a kind that was not offered", _UNFIT)
        return Answered(bytes(found.credential_data), found.counter, found.is_backed_up())

    def ask_to_show(self, present: Iterable[bytes] | None = None, challenge: bytes = b"") -> Asked:
        """The question to show a passkey: any of this origin's, or one of those that are `present`.

        `challenge` is what is signed, by chance if it is not given.
        """
        options, state = self._server.authenticate_begin(
            None
            if present is None
            else [to_descriptor(AttestedCredentialData(key)) for key in present],
            user_verification=_REQUIRED,
            challenge=challenge or self._random_bytes(_CHALLENGE_BYTES),
        )
        return Asked(_json(options.public_key), dict(state))

    def shown(self, state: dict[str, Any], response: str, kept: Passkey) -> Answered:
        """Judge an answer against the key it names. Raises `PasskeyRefused`.

        A counter that did not grow means that the key was copied (WebAuthn, 6.1.1); keys that do not
        count, as those that are kept in an account with their maker, always say 0.
        """
        answer = _read(response)
        credential = AttestedCredentialData(kept.key)
        try:
            self._server.authenticate_complete(_state(state), [credential], answer)
            data = AuthenticationResponse.from_dict(answer).response.authenticator_data
        except _UNREADABLE as error:
            raise _refusal(error) from error
        if (data.counter or kept.counter) and data.counter <= kept.counter:
            raise PasskeyRefused(
                "its counter did not grow: the key was copied",
                Text("this passkey seems to have been copied and is refused; tell your security manager",
                     "该通行密钥疑似被复制，已拒绝使用；请联系安全主管"),
            )  # fmt: skip
        return Answered(kept.key, data.counter, data.is_backed_up())


def state_of(challenge: bytes) -> dict[str, Any]:
    """What is kept of a question that was asked with this challenge."""
    return {"challenge": websafe_encode(challenge)}


def credential_id_of(key: bytes) -> bytes:
    """The id by which a kept key is found."""
    return AttestedCredentialData(key).credential_id


def id_named_in(response: str) -> bytes:
    """The id of the key that an answer names. Raises `PasskeyRefused` if it names none."""
    named = _read(response).get("rawId")
    try:
        if not isinstance(named, str):
            raise ValueError("no rawId")
        return websafe_decode(named)
    except ValueError as error:
        raise PasskeyRefused(f"the answer names no key: {error}", _UNFIT) from error


def _read(response: str) -> dict[str, Any]:
    if len(response) > _LONGEST:
        raise PasskeyRefused("the answer is too long", _UNFIT)
    try:
        return msgspec.json.decode(response, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise PasskeyRefused(f"the answer is not JSON: {error}", _UNFIT) from error


def _state(kept: dict[str, Any]) -> dict[str, Any]:
    return {**kept, "user_verification": _REQUIRED}


def _refusal(error: Exception) -> PasskeyRefused:
    unverified = "User verification" in str(error)
    text = _UNVERIFIED if unverified else _UNFIT
    return PasskeyRefused(str(error) or "malformed", text, unverified=unverified)


def _json(options: Any) -> str:
    return msgspec.json.encode(dict(options)).decode()


def _may_have_passkeys(scheme: str, host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and (
            scheme == "https" or host == "localhost" or host.endswith(".localhost")
        )
    return False
