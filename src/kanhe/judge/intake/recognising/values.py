"""Numbers as they are spelled, network addresses, and what may be a card number."""

from __future__ import annotations

from kanhe.judge.intake.recognising.texts import I64, compiled, inlined
from kanhe.judge.machine.memory import bytes_at

_MOST_DIGITS = 15
"""So many decimal digits, and no more, are all told apart by a float: what is spelled with them, and
without a zero at the end, is also its shortest spelling."""
_DOT, _COLON, _AT, _MINUS, _ZERO = 0x2E, 0x3A, 0x40, 0x2D, 0x30


@inlined
def _is_digit(byte):
    return _ZERO <= byte <= 0x39


@inlined
def whole_number(at):
    """A whole number at an address, and where it ends; an end of -1 for none, or one not spelled
    plainly. What stands behind the number is for the caller to look at.
    """
    text = bytes_at(at)
    i = I64(1) if text[0] == _MINUS else I64(0)
    first = i
    value = I64(0)
    digit = I64(text[i]) - _ZERO
    while 0 <= digit <= 9 and i - first < 18:
        value = value * 10 + digit
        i += 1
        digit = I64(text[i]) - _ZERO
    # No digits; more than fit; a zero before others; minus zero.
    if i == first or 0 <= digit <= 9 or (text[first] == _ZERO and (i - first > 1 or first == 1)):
        return I64(0), I64(-1)
    return -value if first == 1 else value, at + i


@compiled
def degrees(at, least, greatest):
    """Millionths of the degrees at an address, and where they end; an end of -1 for what is not
    spelled just as the canonical form spells it, or lies outside.

    `digits / 10**n` is the float nearest to the text, since both are exact (Clinger, 1990). It is
    made a whole number as Python's `round(degrees * 1e6)` does it.
    """
    text = bytes_at(at)
    first = I64(1) if text[0] == _MINUS else I64(0)
    i = first
    value = I64(0)
    while _is_digit(text[i]) and i - first <= 3:
        value = value * 10 + I64(text[i]) - _ZERO
        i += 1
    whole = i - first
    if whole == 0 or text[i] != _DOT or (text[first] == _ZERO and whole > 1):
        return I64(0), I64(-1)
    i += 1
    scale = 1.0
    begin = i
    while _is_digit(text[i]) and i - begin + whole <= _MOST_DIGITS:
        value = value * 10 + I64(text[i]) - _ZERO
        scale *= 10.0
        i += 1
    decimals = i - begin
    if decimals == 0 or decimals + whole > _MOST_DIGITS or _is_digit(text[i]):
        return I64(0), I64(-1)
    if text[i - 1] == _ZERO and decimals > 1:
        return I64(0), I64(-1)
    # Minus zero is not zero, and what is very small may be spelled otherwise.
    if value == 0 and first == 1:
        return I64(0), I64(-1)
    if value != 0 and float(value) / scale < 0.001:
        return I64(0), I64(-1)
    number = float(value) / scale
    if first == 1:
        number = -number
    if number < least or number > greatest:
        return I64(0), I64(-1)
    return _rounded(number * 1e6), at + i


@inlined
def _rounded(number):
    """The whole number nearest to one that is not large, of two the even one."""
    lower = I64(number)
    if float(lower) > number:
        lower -= 1
    beyond = number - float(lower)
    if beyond > 0.5 or (beyond == 0.5 and lower & 1 == 1):
        lower += 1
    return lower


@inlined
def is_address(at, size):
    """Whether a text is an IPv4 address, or an IPv6 address as RFC 5952 spells it."""
    return _is_short_address(at, size) or _is_long_address(at, size)


@compiled
def _is_short_address(at, size):
    """Whether a text is an IPv4 address: four numbers up to 255, without zeros before them."""
    text = bytes_at(at)
    parts, value, digits = I64(1), I64(0), I64(0)
    for i in range(size):
        byte = text[i]
        if byte == _DOT:
            if digits == 0:
                return False
            parts += 1
            value, digits = I64(0), I64(0)
        elif _is_digit(byte):
            if digits > 0 and value == 0:
                return False
            value = value * 10 + I64(byte) - _ZERO
            digits += 1
            if value > 255:
                return False
        else:
            return False
    return parts == 4 and digits > 0


@compiled
def _is_long_address(at, size):
    """Whether a text is an IPv6 address in its one spelling, and none that stands for IPv4."""
    text = bytes_at(at)
    groups, gap, zeros, leading = I64(0), I64(-1), I64(0), I64(0)
    i = I64(0)
    if size >= 2 and text[0] == _COLON and text[1] == _COLON:
        gap = I64(0)
        i = I64(2)
    while i < size:
        begin = i
        value = I64(0)
        while i < size and i - begin < 4 and _hex(text[i]) >= 0:
            value = value << 4 | _hex(text[i])
            i += 1
        if i == begin or groups == 8 or (text[begin] == _ZERO and i - begin > 1):
            return False
        if groups == 0:
            leading = value
        if value == 0:
            zeros |= I64(1) << groups
        groups += 1
        if i == size:
            break
        if text[i] != _COLON or i + 1 == size:
            return False
        i += 1
        if text[i] == _COLON:
            if gap >= 0:
                return False
            gap = groups
            i += 1
    # RFC 5952, 4.2: the longest run of zeros is left out, of several the first, a single one never.
    if gap < 0:
        return groups == 8 and _longest_run(zeros) < 2
    left_out = 8 - groups
    if left_out < 2 or (gap == 0 and groups == 3 and leading == 0xFFFF):
        return False
    before = zeros & ((I64(1) << gap) - 1)
    after = zeros >> gap
    if after & 1 == 1 or (gap > 0 and before >> (gap - 1) == 1):
        return False
    return _longest_run(before) < left_out and _longest_run(after) <= left_out


@inlined
def _hex(byte):
    if _is_digit(byte):
        return I64(byte) - _ZERO
    if 0x61 <= byte <= 0x66:
        return I64(byte) - 0x57
    return I64(-1)


@inlined
def _longest_run(bits):
    """How many bits that are set stand beside each other at most."""
    longest = I64(0)
    while bits != 0:
        bits &= bits >> 1
        longest += 1
    return longest


@compiled
def is_email(at, size):
    """Whether the last `@` of a text has something on either side."""
    text = bytes_at(at)
    for i in range(size - 1, -1, -1):
        if text[i] == _AT:
            return 0 < i < size - 1
    return False


@compiled
def is_no_card_number(at, size):
    """Whether a text is surely no card number: it has a letter of ASCII in it."""
    text = bytes_at(at)
    for i in range(size):
        if 0x61 <= I64(text[i]) | 0x20 <= 0x7A:
            return True
    return False
