"""Bodies of notices, read exactly: no name twice, no number that loses digits, no half characters.

A body is read after its signature was found to be good (but for Adyen, which signs fields and not
bytes). That somebody signed it does not make it harmless: shop systems repeat what buyers typed.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from kanhe.protect.inbound.evidence import not_readable

MOST_VALUES = 60_000
"""Values of one body; an order with hundreds of lines has some ten thousand."""
MOST_PARAMETERS = 200
"""Parameters of one form."""
_DIGITS_MAX = 40
"""Longer numbers stand for nothing that a notice tells, and cost time to convert."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030"}  # fmt: skip


def read_object(raw: bytes, most_values: int = MOST_VALUES) -> dict[str, Any]:
    """The JSON object in a body. Numbers with a point are `Decimal`s. Raises a refusal, also for a
    body with more values than `most_values`: it is they that cost, not the bytes."""
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > most_values:
        raise not_readable(f"The body holds more than {most_values:,} values.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise not_readable(f"The body is not UTF-8 (byte {error.start}).") from None
    try:
        found = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise not_readable(
            f"The body is not JSON (line {error.lineno}, column {error.colno})."
        ) from None
    except RecursionError:
        raise not_readable("The body is nested too deeply.") from None
    if not isinstance(found, dict):
        raise not_readable("The body is not a JSON object.")
    if "\\u" in text and _has_half_characters(found):
        raise not_readable("An escape in the body gives half of a surrogate pair.")
    return found


def _has_half_characters(value: Any) -> bool:
    """Whether a name or text in a value holds half of a pair, as only an escape can bring it in."""
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(_has_half_characters(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(_has_half_characters, value))


def read_parameters(raw: bytes) -> dict[bytes, bytes]:
    """The parameters of a form (`application/x-www-form-urlencoded`), as bytes. Raises a refusal."""
    found: dict[bytes, bytes] = {}
    pairs = raw.split(b"&")
    if len(pairs) > MOST_PARAMETERS:
        raise not_readable(f"The form has more than {MOST_PARAMETERS} parameters.")
    for pair in pairs:
        name, equals, value = pair.partition(b"=")
        key = _unquoted(name)
        if not equals or not key:
            raise not_readable("The body is not a form.")
        if key in found:
            raise not_readable("A parameter of the form is given more than once.")
        found[key] = _unquoted(value)
    return found


def text_of_parameters(found: dict[bytes, bytes], charset: str) -> dict[str, Any]:
    """The same as text in one of the encodings that are in use for it. Raises a refusal."""
    encoding = _ENCODINGS.get(charset.lower())
    if encoding is None:
        raise not_readable("The charset is none of utf-8, gbk, gb2312 and gb18030.")
    try:
        return {name.decode(encoding): value.decode(encoding) for name, value in found.items()}
    except UnicodeDecodeError:
        raise not_readable(f"The form is not written in {charset.lower()}.") from None


def _unquoted(part: bytes) -> bytes:
    return unquote_to_bytes(part.replace(b"+", b" "))


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise not_readable("A name stands twice in one object of the body.")
    return found


def _integer(text: str) -> int:
    if len(text) > _DIGITS_MAX:
        raise not_readable("A number in the body is too long.")
    return int(text)


def _real(text: str) -> Decimal:
    if len(text) > _DIGITS_MAX:
        raise not_readable("A number in the body is too long.")
    return Decimal(text)


def _constant(name: str) -> NoReturn:
    raise not_readable(f"{name} is not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer, parse_float=_real
)
