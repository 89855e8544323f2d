"""JSON read exactly: no duplicate names, no NaN, no half characters, whatever the escapes."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from kanhe.core.errors import FieldProblem, Refusal
from kanhe.judge.intake.card_numbers import is_card_number
from kanhe.judge.intake.problems import refusal

GOT_MAX = 80
"""How many characters of a value a problem quotes."""
_DIGITS_MAX = 19
_CARD_LIKE = re.compile(r"\d(?:[ .-]?\d){12,18}")
_SURROGATE = re.compile("[\ud800-\udfff]")


class LongNumber(int):
    """A number too large to matter, standing for digits that were not converted."""

    text: str = ""


def parse_exactly(raw: bytes) -> dict[str, Any]:
    """Read one JSON object; raises `Refusal` (`not-utf8`, `not-json`, `duplicate-key`, `wrong-type`)."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refusal(
            "not-utf8",
            f"byte {error.start} (0x{raw[error.start]:02x}) is not UTF-8; expected UTF-8 without gaps",
            FieldProblem("", "UTF-8", f"0x{raw[error.start]:02x} at byte {error.start}"),
        ) from None
    if not text.strip(" \t\r\n"):
        raise _not_json("the body is empty", "a JSON object")
    if text.startswith("\ufeff"):
        raise _not_json("the body starts with a byte order mark; send UTF-8 without it")
    try:
        found = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(
            f"{error.msg} (line {error.lineno}, column {error.colno})",
            got=quoted_text(text[error.pos : error.pos + 20]),
        ) from None
    except RecursionError:
        raise _not_json("nested too deeply; an event is one flat object") from None
    if not isinstance(found, dict):
        raise refusal("wrong-type", "", FieldProblem("", "one JSON object", quoted(found)))
    return found


def _not_json(detail: str, expected: str = "JSON as RFC 8259 defines it", got: str = "") -> Refusal:
    return refusal("not-json", detail, FieldProblem("", expected, got))


def quoted(value: object) -> str:
    """A value as JSON, at most 80 characters; digits that could be a card number are masked."""
    if isinstance(value, LongNumber):
        return quoted_text(value.text)
    if isinstance(value, str):
        # Cut before encoding: a value may be as large as the body.
        value = value[: GOT_MAX + 1]
    elif isinstance(value, dict):
        return "an object"
    elif isinstance(value, list):
        value = value[:10]
    return quoted_text(json.dumps(value, ensure_ascii=False))


def quoted_text(text: str) -> str:
    """Text cut to 80 characters, printable, with anything like a card number masked."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:200])
    shown = _CARD_LIKE.sub(_masked, shown)
    return shown if len(shown) <= GOT_MAX else shown[: GOT_MAX - 1] + "…"


def _masked(match: re.Match[str]) -> str:
    return "<card number>" if is_card_number(match[0]) else match[0]


def names_stand_once(raw: bytes) -> bool:
    """Whether no object in this valid JSON holds a name twice, however it is escaped."""
    repeated: list[int] = []

    def hook(pairs: list[tuple[str, Any]]) -> None:
        repeated.append(len(pairs) - len({name for name, _ in pairs}))

    json.loads(raw, object_pairs_hook=hook)
    return not any(repeated)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dict of the members of one object, refusing repeated names and half characters."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            shown = quoted_text(name)
            raise refusal(
                "duplicate-key",
                f"{shown} is given more than once",
                FieldProblem(shown, "one value"),
            )
        found[name] = value
        for text in (name, *(value if isinstance(value, list) else (value,))):
            if isinstance(text, str) and _SURROGATE.search(text):
                raise refusal(
                    "not-json",
                    f"{quoted_text(name)}: an escape gives half of a surrogate pair",
                    FieldProblem(quoted_text(name), "whole characters", quoted(text)),
                )
    return found


def _constant(name: str) -> NoReturn:
    raise _not_json(f"{name} is not JSON", "a finite number, or nothing", name)


def _integer(text: str) -> int:
    if len(text) <= _DIGITS_MAX:
        return int(text)
    return _long(text)


def _real(text: str) -> float | int:
    value = float(text)
    return value if abs(value) < 1e300 else _long(text)


def _long(text: str) -> LongNumber:
    number = LongNumber(-(10**_DIGITS_MAX) if text.startswith("-") else 10**_DIGITS_MAX)
    number.text = text
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer, parse_float=_real
)
