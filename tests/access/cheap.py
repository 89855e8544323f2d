"""What makes access quick to test: hashes that cost little, and chance that can be repeated."""

from __future__ import annotations

import random

from kanhe.protect.access.hashing import Costs, Hashing

CHEAP = Costs(memory_kib=64, passes=1, lanes=1)
T0 = 1_767_225_600_000


def chance(seed: int = 1) -> random.Random:
    """Chance from a seed; its `randbytes` is the port."""
    return random.Random(seed)


def hashing(seed: int = 1) -> Hashing:
    """Argon2id that costs next to nothing."""
    return Hashing(chance(seed).randbytes, CHEAP)
