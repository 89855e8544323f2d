"""The pass of the desk: how the console speaks to the process that judges, for a tenant and a person.

An API key belongs to one tenant, and nothing in a request can name another. The console serves many
tenants and acts for people it has signed in itself, so it has a pass instead: a secret that the
judging process draws at each start, followed by whom the request is for. Whom it is for stands in
the token itself, not in a header beside it: what another caller puts into headers is never looked
at, and there is nothing to forget to refuse.

    kanhe_desk_<secret>.<whom, as base64url of JSON>

The part before the dot is compared in constant time; what comes after it is believed only then.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Annotated

import msgspec

PREFIX = "kanhe_desk_"
"""How a pass begins. No API key does: theirs go on with sixteen letters before the next `_`."""
SECRET_BYTES = 32
MOST_BYTES = 2_048
"""Of a whole pass."""

_SECRET = re.compile(r"[0-9a-f]{64}")
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Person = Annotated[str, msgspec.Meta(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]


class OnBehalf(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Whom a request of the desk is for."""

    tenant: _Name
    """Never empty: the empty tenant is that of the installation's own rows."""
    staff: _Person = ""
    """The id of the member of staff who asks; empty where the console itself delivers or looks."""
    name: _Person = ""
    """Their name, as the steps of a policy pack tell it."""


def can_name(tenant: str) -> bool:
    """Whether a pass can be for this tenant: 1 to 128 characters without controls, as for API keys."""
    return 0 < len(tenant) <= 128 and re.fullmatch(r"[^\x00-\x1f\x7f]+", tenant) is not None


def new_secret(chance: bytes) -> str:
    """The secret of a pass from `SECRET_BYTES` that nobody can predict."""
    if len(chance) != SECRET_BYTES:
        raise ValueError(f"a pass needs {SECRET_BYTES} bytes of chance, got {len(chance)}")
    return chance.hex()


def write_pass(secret: str, behalf: OnBehalf) -> str:
    """The token that speaks for `behalf`."""
    whom = urlsafe_b64encode(msgspec.json.encode(behalf)).rstrip(b"=").decode("ascii")
    return f"{PREFIX}{secret}.{whom}"


class DeskDoor:
    """Reads passes. Without a secret no pass opens it."""

    def __init__(self, secret: str = "") -> None:
        if secret and not _SECRET.fullmatch(secret):
            raise ValueError("the secret of a pass has 64 hexadecimal digits")
        self._digest = _digest(secret.encode("ascii")) if secret else b""

    def opened_by(self, token: bytes) -> OnBehalf | None:
        """Whom a pass is for; `None` if it is none, or another secret's, or names nobody rightly."""
        if not self._digest or len(token) > MOST_BYTES or not token.startswith(_PREFIX):
            return None
        secret, _, whom = token[len(_PREFIX) :].partition(b".")
        if not hmac.compare_digest(_digest(secret), self._digest):
            return None
        try:
            padded = whom + b"=" * (-len(whom) % 4)
            return msgspec.json.decode(urlsafe_b64decode(padded), type=OnBehalf)
        except (Base64Error, ValueError):  # what msgspec raises is a ValueError, too
            return None


_PREFIX = PREFIX.encode("ascii")


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
