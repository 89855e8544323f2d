"""Events as hostile or broken senders might send them."""

from __future__ import annotations

import json
import random

from kanhe.judge.intake.registry import builtin

PIECES = [
    b'"', b"\\", b",", b":", b"{", b"}", b"[", b"]", b" ", b"\n", b"null", b"true", b"0", b"-", b".",
    b"e9", b"\x00", b"\x7f", b"\x80", b"\xc3\xa9", b"\xe4\xb8\xad", b"\xed\xa0\x80", b"\xff",
    b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xc0\xaf", b"\xe2\x80\xa8",
    b"\xef\xbb\xbf", b'""', b',"id":"x"', b'"type":"account.login",', b"[]", b"{}",
]  # fmt: skip
"""What is put into good events to break them."""


def examples() -> list[bytes]:
    """The JSON of one good event of each type."""
    return [json.dumps(dict(kind.example)).encode() for kind in builtin().types.values()]


def damaged(draw: random.Random, raw: bytes) -> bytes:
    """An event with up to three places cut out, doubled or filled with something else."""
    for _ in range(draw.randint(0, 3)):
        start = draw.randint(0, len(raw))
        piece = draw.choice([*PIECES, raw[:start][-30:]])
        raw = raw[:start] + piece + raw[start + draw.choice([0, 1, 2, 9, 60, 999]) :]
    return raw
