"""The journal form of a feature vector: two bits a feature, then only what the bits call for.

The first `ceil(n / 4)` bytes hold one two-bit code per feature, lowest bits first: 0 the value is
zero, 1 it is missing, 2 it is a whole number from 1 to 65,535 that follows in two bytes, 3 it follows
as a float64. What follows is little-endian and in the order of the features.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

ZERO, MISSING, SHORT, DOUBLE = range(4)
_LARGEST_SHORT = 65_535
_SIZES = (0, 0, 2, 8)
_short = struct.Struct("<H")
_double = struct.Struct("<d")


def packed_size(n: int) -> int:
    """The most bytes a vector of `n` features can take."""
    return (n + 3) // 4 + 8 * n


def pack_vector(vector: Sequence[float]) -> bytes:
    """Write a vector in its journal form (what the kernel writes on the live path)."""
    codes = bytearray((len(vector) + 3) // 4)
    body = bytearray()
    for i, value in enumerate(vector):
        code = _code(value)
        codes[i >> 2] |= code << (2 * (i & 3))
        if code == SHORT:
            body += _short.pack(int(value))
        elif code == DOUBLE:
            body += _double.pack(value)
    return bytes(codes + body)


def _code(value: float) -> int:
    if math.isnan(value):
        return MISSING
    if value == 0.0:
        return ZERO
    whole = 0.0 < value <= _LARGEST_SHORT and value == math.floor(value)
    return SHORT if whole else DOUBLE


def unpack_vector(data: bytes, n: int) -> tuple[float, ...]:
    """Read the journal form of a vector of `n` features. Raises `ValueError` if it does not fit."""
    codes = [data[i >> 2] >> (2 * (i & 3)) & 3 for i in range(min(n, 4 * len(data)))]
    size = (n + 3) // 4 + sum(_SIZES[code] for code in codes)
    if size != len(data) or len(codes) != n:
        raise ValueError(f"{len(data)} bytes are not the vector of {n} features")
    at = (n + 3) // 4
    values: list[float] = []
    for code in codes:
        if code == SHORT:
            values.append(float(_short.unpack_from(data, at)[0]))
        elif code == DOUBLE:
            values.append(_double.unpack_from(data, at)[0])
        else:
            values.append(math.nan if code == MISSING else 0.0)
        at += _SIZES[code]
    return tuple(values)
