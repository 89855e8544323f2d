"""The journal form of a feature vector: two bits a feature, then only what the bits call for.

The first `ceil(n / 4)` bytes hold one two-bit code per feature, lowest bits first: 0 the value is
zero, 1 it is missing, 2 it is a whole number from 1 to 65,535 that follows in two bytes, 3 it follows
as a float64. What follows is little-endian and in the order of the features.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

ZERO, MISSING, SHORT, DOUBLE = range(4)
_LARGEST_SHORT = 65_535
_SIZES = (0, 0, 2, 8)
_SIZES_OF = np.array(_SIZES, dtype=np.int32)
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


def unpack_vectors(
    packed: Sequence[bytes], n: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Read many journal forms of vectors of `n` features at once.

    Gives a row of float64 each, with the bits that `unpack_vector` gives, and which of them fit;
    the others, for which that raises `ValueError`, are rows of NaN.
    """
    vectors = np.full((len(packed), n), np.nan)
    head = (n + 3) // 4
    lengths = np.array([len(one) for one in packed], dtype=np.int64)
    fits = lengths >= head
    if n == 0 or not fits.any():
        return vectors, fits if n else lengths == 0
    # A form that is too short for its codes is read as if it went on with zeros, and then left out.
    heads = b"".join([one[:head].ljust(head, b"\0") for one in packed])
    wide = np.frombuffer(heads, dtype=np.uint8).reshape(-1, head, 1)
    codes = (wide >> np.array([0, 2, 4, 6], dtype=np.uint8) & 3).reshape(len(packed), -1)[:, :n]
    ends = _SIZES_OF[codes].cumsum(axis=1)
    fits &= lengths == head + ends[:, -1]
    starts = lengths.cumsum() - lengths + head
    places = (starts[:, None] + ends).ravel()
    codes = np.where(fits[:, None], codes, MISSING).ravel()
    flat = vectors.reshape(-1)
    flat[codes == ZERO] = 0.0
    # Every byte of the body as the beginning of a number; most of them are never looked at.
    body = b"".join(packed) + bytes(_SIZES[DOUBLE])
    for code, kind in ((SHORT, "<u2"), (DOUBLE, "<f8")):
        wanted = np.flatnonzero(codes == code)
        count = len(body) - _SIZES[DOUBLE]
        numbers: npt.NDArray[np.float64] = np.ndarray((count,), kind, body, strides=(1,))
        flat[wanted] = numbers[places[wanted] - _SIZES[code]]
    return vectors, fits
