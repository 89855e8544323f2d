"""What the kernel computes with: keyed hashes, 128-bit integers, and two formulas.

`SipHash-2-4` (Aumasson and Bernstein, 2012) with the installation's key makes the keys of entities,
so that nobody outside can aim at a collision.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from kanhe.judge.machine.compiling import compilers
from kanhe.judge.machine.memory import address_of, prefetch, trailing_zeros, unsigned_at

U64 = np.uint64
I64 = np.int64
F64 = np.float64
BIGGEST = 2**63 - 1

_TWO_64 = 18446744073709551616.0
_RADIUS_KM = 6371.0088

SOURCES = (
    "arithmetic.py", "layout.py", "../intake/cells.py", "gather.py", "windows.py", "memos.py", "kernel.py",
)  # fmt: skip
compiled, inlined = compilers(Path(__file__).parent, SOURCES)


@inlined
def call_word(words, place):
    """Have the memory around one word brought closer."""
    prefetch(address_of(words) + 8 * place)


@inlined
def _rotl(x, b):
    return (x << U64(b)) | (x >> U64(64 - b))


@inlined
def _rounds(v0, v1, v2, v3, n):
    for _ in range(n):
        v0 = v0 + v1
        v1 = _rotl(v1, 13) ^ v0
        v0 = _rotl(v0, 32)
        v2 = v2 + v3
        v3 = _rotl(v3, 16) ^ v2
        v0 = v0 + v3
        v3 = _rotl(v3, 21) ^ v0
        v2 = v2 + v1
        v1 = _rotl(v1, 17) ^ v2
        v2 = _rotl(v2, 32)
    return v0, v1, v2, v3


@compiled
def siphash(address, size, k0, k1):
    """SipHash-2-4 of the `size` bytes at an address under the key `(k0, k1)`.

    Bytes are taken eight at a time, so up to seven behind the text are read (and not used).
    """
    words = unsigned_at(address)
    v0 = k0 ^ U64(0x736F6D6570736575)
    v1 = k1 ^ U64(0x646F72616E646F6D)
    v2 = k0 ^ U64(0x6C7967656E657261)
    v3 = k1 ^ U64(0x7465646279746573)
    whole = size >> 3
    for i in range(whole):
        m = words[i]
        v3 ^= m
        v0, v1, v2, v3 = _rounds(v0, v1, v2, v3, 2)
        v0 ^= m
    m = words[whole] & ((U64(1) << U64(8 * (size & 7))) - U64(1))
    m |= U64(size & 0xFF) << U64(56)
    v3 ^= m
    v0, v1, v2, v3 = _rounds(v0, v1, v2, v3, 2)
    v0 ^= m
    v2 ^= U64(0xFF)
    v0, v1, v2, v3 = _rounds(v0, v1, v2, v3, 4)
    return v0 ^ v1 ^ v2 ^ v3


@inlined
def text_size(address):
    """How many bytes there are from an address to the next SEPARATOR, looked at eight at a time.

    The lowest bit set by the subtraction marks the first zero byte (Warren, Hacker's Delight, 6-1).
    """
    words = unsigned_at(address)
    size = I64(0)
    while True:
        word = words[size >> 3] ^ U64(0x1F1F1F1F1F1F1F1F)
        found = (word - U64(0x0101010101010101)) & ~word & U64(0x8080808080808080)
        if found != U64(0):
            return size + I64(trailing_zeros(found) >> U64(3))
        size += 8


@inlined
def mix(x):
    """The finalizer of MurmurHash3: a bijection of 64 bits."""
    x ^= x >> U64(33)
    x *= U64(0xFF51AFD7ED558CCD)
    x ^= x >> U64(33)
    x *= U64(0xC4CEB9FE1A85EC53)
    x ^= x >> U64(33)
    return x


@inlined
def multiply(a, b):
    """The 128-bit product of two uint64, as (high, low)."""
    mask = U64(0xFFFFFFFF)
    a0 = a & mask
    a1 = a >> U64(32)
    b0 = b & mask
    b1 = b >> U64(32)
    p00 = a0 * b0
    p01 = a0 * b1
    p10 = a1 * b0
    middle = (p00 >> U64(32)) + (p01 & mask) + (p10 & mask)
    high = a1 * b1 + (p01 >> U64(32)) + (p10 >> U64(32)) + (middle >> U64(32))
    return high, (middle << U64(32)) | (p00 & mask)


@inlined
def add_wide(arena, place, high, low):
    """Add to the 128-bit integer at `place` (low word first)."""
    old = U64(arena[place])
    new = old + low
    carry = U64(1) if new < old else U64(0)
    arena[place] = I64(new)
    arena[place + 1] = I64(U64(arena[place + 1]) + high + carry)


@inlined
def subtract_wide(arena, place, high, low):
    """Take away from the 128-bit integer at `place` (low word first)."""
    old = U64(arena[place])
    borrow = U64(1) if old < low else U64(0)
    arena[place] = I64(old - low)
    arena[place + 1] = I64(U64(arena[place + 1]) - high - borrow)


@inlined
def scaled(amount, part, of):
    """`amount * part / of` with halves rounded up, exactly; for 0 <= amount < 2**62 and part < of < 2**62.

    Where the product takes more than 64 bits, it is divided bit by bit.
    """
    high, low = multiply(U64(2 * amount), U64(part))
    total = low + U64(of)
    if total < low:
        high += U64(1)
    divisor = U64(2 * of)
    if high == U64(0):
        return I64(total // divisor)
    rest = high
    result = U64(0)
    for i in range(64):
        rest = (rest << U64(1)) | ((total >> U64(63 - i)) & U64(1))
        result <<= U64(1)
        if rest >= divisor:
            rest -= divisor
            result |= U64(1)
    return I64(result)


@inlined
def km_per_hour(lat0, lon0, t0, lat1, lon1, t1):
    """Whole km/h between two places (microdegrees) by the haversine formula, over at least 1 s."""
    scale = math.pi / 180e6
    a = F64(lat0) * scale
    b = F64(lat1) * scale
    dlat = math.sin((b - a) / 2.0)
    dlon = math.sin((F64(lon1) - F64(lon0)) * scale / 2.0)
    h = dlat * dlat + math.cos(a) * math.cos(b) * dlon * dlon
    km = 2.0 * _RADIUS_KM * math.asin(math.sqrt(min(1.0, h)))
    hours = F64(max(t1 - t0, 1000)) / 3_600_000.0
    return math.floor(km / hours + 0.5)


@inlined
def deviation(n, total, low, high):
    """The sample standard deviation from exact integers; NaN if the numerator would not fit."""
    count = U64(n)
    if high != U64(0) and count > U64(BIGGEST) // (high + U64(1)):
        return np.nan
    nq_high, nq_low = multiply(count, low)
    nq_high += count * high
    size = U64(total if total >= 0 else -total)
    ss_high, ss_low = multiply(size, size)
    borrow = U64(1) if nq_low < ss_low else U64(0)
    top = F64(nq_high - ss_high - borrow) * _TWO_64 + F64(nq_low - ss_low)
    return math.sqrt(top / (F64(n) * F64(n - 1)))


@compiled
def hash_text(address, size, k0, k1):
    """The 64-bit key of the text at an address, never 0. Up to seven bytes behind it are read."""
    value = siphash(address, size, k0, k1)
    return I64(value) if value != U64(0) else I64(1)
