"""Argon2id (RFC 9106): how passwords and recovery codes are kept.

The parameters are the second recommended option of RFC 9106, section 4 (64 MiB, three passes, four
lanes), which is above the least that OWASP's password storage cheat sheet asks for. A hash names the
parameters it was made with, in the PHC string format; one made with others is made anew the next time
its password is shown.
"""

from __future__ import annotations

import hmac
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from kanhe.protect.access.chance import RandomBytes

SALT_BYTES = 16
_HASH_BYTES = 32
_PHC = re.compile(r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,4}),p=(\d{1,3})\$")


class Costs(NamedTuple):
    """What one hash costs whoever makes it."""

    memory_kib: int
    passes: int
    lanes: int


COSTS = Costs(memory_kib=65_536, passes=3, lanes=4)


class Hashing:
    """Makes and checks hashes. `costs` are those in force, `random_bytes` makes salts."""

    def __init__(self, random_bytes: RandomBytes, costs: Costs = COSTS) -> None:
        self._random_bytes = random_bytes
        self._costs = costs
        # Checked when there is no account or no password, so that the work is the same.
        self._nobody = self.hashed(random_bytes(SALT_BYTES).hex())

    def hashed(self, secret: str) -> str:
        """The hash of a secret that was made fit for it (`passwords.prepared`)."""
        return self._argon(self._random_bytes(SALT_BYTES)).derive_phc_encoded(
            secret.encode("utf-8", "surrogatepass")
        )

    def fits(self, secret: str, kept: str) -> bool:
        """Whether `kept` is the hash of `secret`. An empty `kept` fits nothing, after the same work."""
        try:
            Argon2id.verify_phc_encoded(
                secret.encode("utf-8", "surrogatepass"), kept or self._nobody
            )
        except InvalidKey:
            return False
        return bool(kept)

    def is_stale(self, kept: str) -> bool:
        """Whether `kept` was made with other costs than those in force."""
        found = _PHC.match(kept)
        return found is None or Costs(*(int(group) for group in found.groups())) != self._costs

    def derived(self, secret: str, salt: bytes) -> bytes:
        """The hash of `secret` under a salt that several hashes share (recovery codes of one set)."""
        return self._argon(salt).derive(secret.encode("utf-8", "surrogatepass"))

    def _argon(self, salt: bytes) -> Argon2id:
        costs = self._costs
        return Argon2id(
            salt=salt, length=_HASH_BYTES, iterations=costs.passes, lanes=costs.lanes,
            memory_cost=costs.memory_kib,
        )  # fmt: skip


def same(one: bytes, other: bytes) -> bool:
    """Whether two hashes are the same, in constant time."""
    return hmac.compare_digest(one, other)
