"""Which resolved cases a second person looks at: a share of them, drawn so that nobody can foresee or bend it.

Whether a case is drawn follows from a keyed hash of its number and of how often it was resolved: the
same case always gives the same answer, and who does not know the installation's key cannot tell
beforehand. What one person let through that much money hung on is always looked at.
"""

from __future__ import annotations

import hashlib

import msgspec

MILLION = 1_000_000


class Sampling(msgspec.Struct, frozen=True):
    """How much is looked at a second time."""

    permille: int = 50
    """Of a thousand resolved cases so many are drawn."""
    always_from_minor: int = 500_000
    """A case that was cleared is always drawn from this expected loss on; 0: never for that reason."""


def is_drawn(
    key: bytes, number: int, times: int, verdict: str, loss_minor: int, sampling: Sampling
) -> bool:
    """Whether a second person looks at a case that was resolved for the `times`-th time."""
    if verdict == "legitimate" and 0 < sampling.always_from_minor <= loss_minor:
        return True
    text = f"quality:{number}:{times}".encode()
    drawn = int.from_bytes(hashlib.blake2b(text, key=key, digest_size=8).digest())
    return drawn % MILLION < sampling.permille * 1_000
