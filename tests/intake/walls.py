"""Reading hostile bytes between pages that nobody may touch: a process that ends well never did.

`python -m tests.intake.walls SEED GROUPS` puts every array of the recogniser's kernel, and each group
of raw events, between two such pages, flush with the one behind and then with the one before. The
system ends a process that touches them. Prints how many events were recognised.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import random
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from kanhe.judge.intake.cells import ROWS
from kanhe.judge.intake.recogniser import Recogniser
from kanhe.judge.intake.recognising import layout as at
from kanhe.judge.intake.recognising.kernel import recognise
from kanhe.judge.intake.registry import builtin
from tests.intake.damage import damaged, examples

_PAGE = mmap.PAGESIZE
_NOTHING = 0
_libc = ctypes.CDLL(None, use_errno=True)
_standing: list[mmap.mmap] = []
"""Walled memory is kept for as long as the process lives."""


def walled(array: npt.NDArray[Any], *, behind: bool) -> npt.NDArray[Any]:
    """A copy of an array, flush with the page `behind` it or with the one before it."""
    room = -(-array.nbytes // _PAGE) * _PAGE
    memory = mmap.mmap(-1, room + 2 * _PAGE)
    _standing.append(memory)
    begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for page in (begin, begin + _PAGE + room):
        if _libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(_PAGE), _NOTHING):
            raise OSError(ctypes.get_errno(), "no wall can be put up")
    offset = _PAGE + (room - array.nbytes if behind else 0)
    copy = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
    copy[...] = array
    return copy


def recognised(draw: random.Random, groups: int, *, behind: bool) -> int:
    """Read so many groups of damaged events; gives how many events were recognised."""
    recogniser = Recogniser(builtin(), at.LARGEST)
    standing = [walled(array, behind=behind) for array in recogniser._arrays.values()]
    for place, array in zip(recogniser._arrays, standing, strict=True):
        recogniser._places[place] = array.ctypes.data
    whole = examples()
    known = 0
    for _ in range(groups):
        raws = [damaged(draw, draw.choice(whole)) for _ in range(draw.randint(1, ROWS))]
        sizes = np.array(list(map(len, raws)), dtype=np.int64)
        raw = np.frombuffer(b"".join((*raws, bytes(at.PADDING))), dtype=np.uint8)
        known += recognise(recogniser._places_at, walled(raw, behind=behind), sizes, 2**62)
    return known


if __name__ == "__main__":
    seed, groups = map(int, sys.argv[1:])
    found = [recognised(random.Random(seed), groups, behind=side) for side in (True, False)]
    print(json.dumps(found))
