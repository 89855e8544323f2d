"""Names of entities for addresses: the same for the same entity, and telling nothing to who reads it.

An address is kept in histories, logs and messages, where no card and no e-mail address may stand. The
alias is the value itself, encrypted with AES-SIV (RFC 5297), which is made for encrypting without a
nonce: equal values have equal aliases, so that links can be kept and shared, and nobody without the
key can make one, change one, or learn more than that two are equal and about how long they are.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_PERSON = b"kanheAlias"
LONGEST = 2_048
"""The longest text that is looked at as an alias."""


class Aliases:
    """Aliases under a secret of this installation; whoever changes it breaks the links that were kept."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESSIV(blake2b(secret, digest_size=64, person=_PERSON).digest())

    def alias(self, kind: str, value: str) -> str:
        """The alias of a value of this kind: letters, digits, `-` and `_`."""
        sealed = self._cipher.encrypt(value.encode("utf-8"), [kind.encode()])
        return urlsafe_b64encode(sealed).decode("ascii").rstrip("=")

    def value(self, kind: str, alias: str) -> str | None:
        """The value behind an alias of this kind; `None` for a text that is none."""
        if len(alias) > LONGEST:
            return None
        try:
            sealed = urlsafe_b64decode(alias.encode("ascii") + b"=" * (-len(alias) % 4))
            plain = self._cipher.decrypt(sealed, [kind.encode()]).decode("utf-8")
        except (InvalidTag, ValueError, binascii.Error, UnicodeError):
            return None
        # One value has one address: another spelling of the same bytes is none of ours.
        return plain if self.alias(kind, plain) == alias else None
