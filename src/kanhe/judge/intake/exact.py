"""The rules for every value, written out: what the fast path accepts, and why something is refused."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kanhe.core.countries import COUNTRIES
from kanhe.core.currencies import EXPONENT
from kanhe.core.errors import FieldProblem
from kanhe.core.event import ENTITY_KINDS
from kanhe.judge.intake.card_numbers import is_card_number
from kanhe.judge.intake.declarations import IDS_MAX, FieldSpec
from kanhe.judge.intake.registry import Registry, nearest
from kanhe.judge.intake.strict import quoted, quoted_text

Mistake = tuple[str, FieldProblem]
"""The slug of a problem, and the field it is about."""

_SUGGESTIONS_MAX = 3
"""For how many unknown names the nearest is sought: seeking takes long, and bodies may be hostile."""
_CHECKED_FURTHER = ("at_ms", "card", "email", "ip", "value")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_PROSE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def same_address(text: str) -> str | None:
    """The one spelling of an IP address (RFC 5952; IPv4-mapped as IPv4), `None` if it is none."""
    if _IPV4.fullmatch(text):
        return text
    if "%" in text or ":" not in text:
        return None
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return str(address.ipv4_mapped or address)


def is_email(text: str) -> bool:
    """Whether the last `@` has something on either side. A quoted name may hold others (RFC 5321, 4.1.2):
    shops take such addresses, and who has one must not be past the rules for it."""
    return 0 < text.rfind("@") < len(text) - 1


def mistakes(
    registry: Registry, type_name: str, values: Mapping[str, Any], latest_ms: int | None
) -> Iterator[Mistake]:
    """Everything wrong with the fields of an event of a known type, most telling first.

    `latest_ms` is the latest `at_ms` accepted, `None` for no limit. No mistakes means that the
    fields can be converted to the type's class as they are.
    """
    event_type = registry.types[type_name]
    specs = registry.fields_of(type_name)
    given = {name: value for name, value in values.items() if value is not None and name != "type"}
    amounts = [n for n in given if n in specs and specs[n].kind == "money"]
    unpriced = bool(amounts) and "currency" in specs and "currency" not in given
    if unpriced:
        yield "amount-without-currency", FieldProblem("currency", _for_currency(amounts))
    for name in registry.required_of(type_name):
        if name not in given and not (unpriced and name == "currency"):
            yield "missing-field", FieldProblem(name, expectation(specs[name]))
    unknown = [name for name in values if name not in specs and name != "type"]
    for place, name in enumerate(unknown):
        expected = _instead(registry, type_name, name, suggest=place < _SUGGESTIONS_MAX)
        yield "unknown-field", FieldProblem(quoted_text(name), expected)
    for name, value in given.items():
        if name in specs:
            yield from _value_mistakes(specs[name], value, latest_ms)
    if not event_type.anonymous and not any(name in given for name in ENTITY_KINDS):
        names = ", ".join(event_type.entities)
        if names:
            yield "missing-field", FieldProblem("", f"at least one of {names}")


def expectation(spec: FieldSpec) -> str:
    """What a field accepts, in words that follow "expected"."""
    match spec.kind:
        case "id" | "text" | "prose":
            if spec.name == "ip":
                return "an IPv4 or IPv6 address"
            what = {"id": "an id", "text": "a text", "prose": "a text"}[spec.kind]
            return f"{what} of 1 to {spec.longest} characters"
        case "ids":
            return f"a list of at most {IDS_MAX} ids"
        case "int" | "money":
            return f"a whole number from {spec.least} to {spec.greatest}"
        case "time":
            return "milliseconds since 1970-01-01 UTC, as a whole number"
        case "degrees":
            return f"degrees from {spec.least} to {spec.greatest}"
        case "bool":
            return "true or false"
        case "country":
            return "a country code of two capital letters (ISO 3166-1 alpha-2)"
        case "currency":
            return "a currency code of three capital letters (ISO 4217)"
        case "choice":
            return f"one of {', '.join(spec.choices)}"


def _for_currency(amounts: list[str]) -> str:
    return f"the ISO 4217 code of the currency {', '.join(amounts)} is in"


def _instead(registry: Registry, type_name: str, name: str, *, suggest: bool) -> str:
    """What to do with a field that the type does not have."""
    if name in registry.fields:
        return f"no such field in {type_name}, though other types have it"
    near = nearest(name, registry.fields_of(type_name)) if suggest else ""
    return f"a field of {type_name}{near}"


def _value_mistakes(spec: FieldSpec, value: Any, latest_ms: int | None) -> Iterator[Mistake]:
    """What is wrong with one value that is there."""
    slug = _CHECKS[spec.kind](spec, value)
    if not slug and spec.name in _CHECKED_FURTHER:
        slug = _meaning(spec.name, value, latest_ms)
    if not slug:
        return
    expected, got = expectation(spec), quoted(value)
    if slug == "future-event":
        expected = f"no later than {latest_ms}"
    elif slug == "card-number":
        expected, got = "a token, never a card number", ""
    elif slug == "wrong-value" and spec.name == "email":
        expected += " with an @ inside"
    elif slug == "wrong-value" and spec.kind in ("id", "ids", "text", "prose"):
        expected += " that can all be printed" if spec.name != "ip" else ""
    elif slug == "out-of-range" and spec.kind == "time":
        expected += _time_hint(spec, value)
    yield slug, FieldProblem(spec.name, expected, got)


def _meaning(name: str, value: Any, latest_ms: int | None) -> str:
    """The slug of what is wrong with a value that is well formed, or an empty text."""
    if name == "at_ms":
        return "future-event" if latest_ms is not None and value > latest_ms else ""
    if name in ("card", "value"):  # the entry of a list may be a card
        return "card-number" if is_card_number(value) else ""
    if name == "email":
        return "" if is_email(value) else "wrong-value"
    return "" if same_address(value) else "wrong-value"


def _time_hint(spec: FieldSpec, value: int) -> str:
    if spec.least <= value * 1000 <= spec.greatest:
        return "; this looks like seconds"
    if spec.least <= value // 1000 <= spec.greatest:
        return "; this looks like microseconds"
    return f", from {spec.least} to {spec.greatest}"


def _text(spec: FieldSpec, value: Any) -> str:
    if not isinstance(value, str):
        return "wrong-type"
    if not value:
        return "out-of-range"
    if len(value) > spec.longest:
        return "too-long"
    return "" if _is_printable(spec.kind, value) else "wrong-value"


def _is_printable(kind: str, value: str) -> bool:
    """Ids hold what can be told apart on a screen; texts anything but controls; prose also lines."""
    if kind in ("id", "ids"):
        return value.isprintable()
    banned = _CONTROL_IN_PROSE if kind == "prose" else _CONTROL
    return not banned.search(value)


def _ids(spec: FieldSpec, value: Any) -> str:
    if not isinstance(value, list):
        return "wrong-type"
    if len(value) > IDS_MAX:
        return "too-long"
    return next(filter(None, (_text(spec, one) for one in value)), "")


def _whole(spec: FieldSpec, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return "wrong-type"
    return "" if spec.least <= value <= spec.greatest else "out-of-range"


def _degrees(spec: FieldSpec, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "wrong-type"
    return "" if spec.least <= value <= spec.greatest else "out-of-range"


def _bool(spec: FieldSpec, value: Any) -> str:
    return "" if isinstance(value, bool) else "wrong-type"


def _one_of(spec: FieldSpec, value: Any) -> str:
    if not isinstance(value, str):
        return "wrong-type"
    known = {"country": COUNTRIES, "currency": EXPONENT}.get(spec.kind, spec.choices)
    return "" if value in known else "wrong-value"


_CHECKS: dict[str, Callable[[FieldSpec, Any], str]] = {
    "id": _text, "text": _text, "prose": _text, "ids": _ids, "int": _whole, "money": _whole,
    "time": _whole, "degrees": _degrees, "bool": _bool, "choice": _one_of, "country": _one_of,
    "currency": _one_of,
}  # fmt: skip
