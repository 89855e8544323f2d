"""What people write into the search field of a queue: `severity:high amount:>500 card:tok-9f3a age:<2h`.

Terms stand between spaces and all of them must hold; a `-` before one turns it round, a comma between
values means "one of". A value with spaces stands in quotes. Amounts are in whole units of the base
currency, ages and times left are durations. A mistake is told with its place and what would be right.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Literal, NoReturn

import msgspec

from kanhe.core.errors import KanheError
from kanhe.core.event import ENTITY_KINDS
from kanhe.core.time import DurationError, duration_ms
from kanhe.respond.alerts import KINDS, SEVERITIES
from kanhe.respond.cases import STATES, VERDICTS

QUERY_MAX = 500
MOST_TERMS = 20
MOST_VALUES = 20
Op = Literal["=", "<", "<=", ">", ">="]

ANY = "any"
"""After `is:`, cases in every state; without it, only those that are to be decided."""
_CHOICES = {
    "severity": SEVERITIES,
    "is": (*STATES, ANY),
    "kind": KINDS,
    "verdict": VERDICTS,
}
_NUMBERS = ("amount", "loss", "alerts")
_DURATIONS = ("age", "left")
_TEXTS = ("owner", "queue", "rule", "type", "tenant", "case", "event", "shares")
FIELDS = (*_CHOICES, *_NUMBERS, *_DURATIONS, *_TEXTS, *ENTITY_KINDS)
"""Everything that may stand before a colon."""
_TERM = re.compile(r'(-?)(?:([A-Za-z_]+):)?((?:"[^"]*"|[^\s"])*)')
_OPERATOR = re.compile(r"(<=|>=|<|>|=)?(.*)", re.DOTALL)
_AMOUNT_MAX = Decimal(10**13)


class SearchError(KanheError):
    """A search that cannot be understood; `begin` and `end` are the places of the mistake."""

    def __init__(self, text: str, begin: int, end: int, value: str, known: str = "") -> None:
        super().__init__(text)
        self.begin = begin
        self.end = end
        self.value = value
        self.known = known
        """What would be right, where that is a list of words."""


class Term(msgspec.Struct, frozen=True):
    """One condition: the field has one of the values, or lies on this side of the number."""

    field: str
    """One of `FIELDS`; empty for words without a field, which look for an entity or a case's number."""
    values: tuple[str, ...] = ()
    op: Op = "="
    number: int = 0
    """Minor units, milliseconds or a count, for fields that are compared."""
    negated: bool = False


def parse(text: str, scale: int = 100) -> tuple[Term, ...]:
    """The conditions of a search, in order; `scale` is how many minor units the base currency's unit
    has. Raises `SearchError`."""
    if len(text) > QUERY_MAX:
        raise SearchError(
            f"a search has at most {QUERY_MAX} characters", QUERY_MAX, len(text), text[:20]
        )
    terms: list[Term] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = _TERM.match(text, at)
        assert found is not None
        if found.end() == at or (found.end() < len(text) and not text[found.end()].isspace()):
            _wrong("a quote is not closed", at, len(text), text[at:])
        terms.append(_term(found, at, scale))
        at = found.end()
        if len(terms) > MOST_TERMS:
            _wrong(f"a search has at most {MOST_TERMS} terms", 0, len(text), text[:20])
    return tuple(terms)


def _term(found: re.Match[str], at: int, scale: int) -> Term:
    sign, field, raw = found[1], (found[2] or "").lower(), found[3]
    end = found.end()
    begin = at + len(sign)
    if not field:
        value = raw.replace('"', "")
        if not value:
            _wrong("nothing stands here to look for", at, end, found[0])
        return Term("", (value,), negated=bool(sign))
    if field not in FIELDS:
        close = [name for name in FIELDS if name.startswith(field[:2])]
        _wrong(
            f"there is no field {field}",
            begin,
            begin + len(field),
            field,
            ", ".join(close or FIELDS),
        )
    value_at = begin + len(field) + 1
    if field in _NUMBERS or field in _DURATIONS:
        return _compared(field, raw.replace('"', ""), value_at, end, bool(sign), scale)
    values = tuple(one for one in (part.strip('"') for part in _split(raw)) if one)
    if not 1 <= len(values) <= MOST_VALUES:
        _wrong(f"write a value after {field}:", begin, end, found[0])
    if (choices := _CHOICES.get(field)) is not None:
        values = tuple(value.lower() for value in values)
        for value in values:
            if value not in choices:
                _wrong(f"{field} cannot be {value}", value_at, end, value, ", ".join(choices))
    return Term(field, values, negated=bool(sign))


def _compared(field: str, raw: str, begin: int, end: int, negated: bool, scale: int) -> Term:
    match = _OPERATOR.fullmatch(raw)
    assert match is not None
    op: Op = match[1] or "="  # type: ignore[assignment] # the pattern matches nothing else
    value = match[2]
    if field in _DURATIONS:
        try:
            number = duration_ms(value)
        except DurationError:
            _wrong(f"{field} takes a duration", begin, end, raw, "<2h, >30m, <7d")
        if op == "=":
            _wrong(f"{field} is compared", begin, end, raw, f"{field}:<2h, {field}:>30m")
        return Term(field, op=op, number=number, negated=negated)
    try:
        amount = Decimal(value.replace(",", "").replace("_", "") if value.isascii() else "?")
    except InvalidOperation:
        _wrong(f"{field} takes a number", begin, end, raw, f"{field}:>500")
    if not amount.is_finite() or not 0 <= amount <= _AMOUNT_MAX:
        _wrong(f"{field} takes a number", begin, end, raw, f"{field}:>500")
    return Term(
        field, op=op, number=int(amount * (1 if field == "alerts" else scale)), negated=negated
    )


def _split(raw: str) -> list[str]:
    """The values between commas; one in quotes is taken whole."""
    return re.findall(r'"[^"]*"|[^,"]+', raw)


def _wrong(text: str, begin: int, end: int, value: str, known: str = "") -> NoReturn:
    raise SearchError(text, begin, max(end, begin + 1), value[:40], known)
