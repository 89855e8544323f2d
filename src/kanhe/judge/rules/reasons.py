"""The sentences of a rule: plain text with `{name}` where a value of the event belongs.

Whole numbers are shown plain, others with one decimal, amounts with their currency, a missing value
as a dash. `{name:duration}` shows a number of seconds and `{name:percent}` a share as people say it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from kanhe.core.currencies import EXPONENT
from kanhe.judge.language.literals import text_of
from kanhe.judge.language.scope import AMOUNT_BASE, Scope
from kanhe.judge.language.source import Source, suggestion
from kanhe.judge.language.tree import Type

REASON_MAX = 500
"""How many characters a sentence may have, before its values are put in."""
SHOWN_MAX = 80
"""How many characters of a text are shown in a sentence."""
MISSING = "–"
"""What stands for a missing value."""

Language = Literal["en", "zh"]
"""The language of a sentence, for the words in its values."""

_UNITS = (
    (86_400, "day", "天"), (3_600, "hour", "小时"), (60, "minute", "分钟"), (1, "second", "秒"),
)  # fmt: skip
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Origin(Enum):
    """Where the value of a place comes from."""

    FEATURE = "a feature"
    FIELD = "a field"
    AMOUNT = "an amount in the event's currency"
    BASE = "the amount in the base currency"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a sentence where the value of a field or a feature is put."""

    name: str
    origin: Origin
    form: str = ""
    """How it is shown, one of `FORMS`; empty for what suits its kind."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in one language: texts and places in order."""

    text: str
    """As it was written."""
    parts: tuple[str | Place, ...]
    language: Language = "en"

    @property
    def places(self) -> tuple[Place, ...]:
        """The places where values are put."""
        return tuple(part for part in self.parts if isinstance(part, Place))

    @property
    def plain(self) -> str:
        """The sentence without values, each place as `–`."""
        return "".join(part if isinstance(part, str) else MISSING for part in self.parts)


def read_sentence(
    source: Source, node: ast.expr, scope: Scope, language: Language = "en"
) -> Sentence:
    """Read a sentence; each `{name}` must be a field or a feature in reach, `{{` is a brace."""
    text = text_of(source, node, most=REASON_MAX, empty=False)
    parts: list[str | Place] = []
    at = 0
    for found in _BRACES.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        if found[0] in ("{{", "}}"):
            parts.append(found[0][0])
        elif found[1] is None:
            raise source.error(node, f"a lone {found[0]} in a sentence", f"write {found[0] * 2}")
        else:
            parts.append(_place(source, node, found[1], scope))
    parts.append(text[at:])
    return Sentence(text, _joined(parts), language)


def shown(value: object) -> str:
    """A value as people read it."""
    if type(value) is float and value.is_integer():
        return f"{value:.0f}"
    if value is None or value != value:
        return MISSING
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, list | tuple):
        value = ", ".join(str(one) for one in value)
    text = str(value)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"


def shown_amount(amount_minor: int | None, currency: str | None) -> str:
    """An amount in minor units as people read it: 199900 of EUR is `1,999.00 EUR`."""
    if amount_minor is None or currency is None:
        return MISSING
    digits = EXPONENT.get(currency, 2)
    whole, rest = divmod(abs(amount_minor), 10**digits)
    sign = "-" if amount_minor < 0 else ""
    decimals = f".{rest:0{digits}d}" if digits else ""
    return f"{sign}{whole:,}{decimals} {currency}"


def shown_duration(value: object, language: Language) -> str:
    """A number of seconds as people say it: 7,200 is `2 hours`; rounded down, so never too long."""
    if not isinstance(value, int | float) or value != value:
        return MISSING
    seconds = max(0, int(value))
    for size, english, chinese in _UNITS:
        # From two on, so that nothing is shown coarser than to a half.
        if seconds >= 2 * size or size == 1:
            count = seconds // size
            if language == "zh":
                return f"{count} {chinese}"
            return f"{count} {english}" if count == 1 else f"{count} {english}s"
    return MISSING


def shown_percent(value: object, language: Language) -> str:
    """A share from 0 to 1 as a percentage."""
    if not isinstance(value, int | float) or value != value:
        return MISSING
    return f"{value:.0%}"


FORMS: Mapping[str, Callable[[object, Language], str]] = {
    "duration": shown_duration,
    "percent": shown_percent,
}
"""What may stand after the colon in `{name:form}`, for numbers."""

_COUNTS = {float(count): str(count) for count in range(1, 1_000)}


def shown_number(value: float) -> str:
    """As `shown`, of a feature: most that speak are small counts, and need not be written out."""
    return _COUNTS.get(value) or shown(value)


WRITERS: Mapping[str, Callable[..., str]] = {
    "shown": shown,
    "shown_number": shown_number,
    "shown_amount": shown_amount,
    **{f"shown_{form}": show for form, show in FORMS.items()},
}
"""The names that `written` uses."""


def written(place: Place, language: Language, index: Mapping[str, int]) -> str:
    """Generated text that writes the value of a place, of the event `e` and the row `v`.

    `index` gives each feature's place in the row. Beside `WRITERS` it may use `to_base` and `base`,
    the base currency. Places that show the same in the same way have the same text.
    """
    value = f"v[{index[place.name]}]" if place.origin is Origin.FEATURE else f"e.{place.name}"
    if place.form:
        return f"shown_{place.form}({value}, {language!r})"
    match place.origin:
        case Origin.FEATURE:
            return f"shown_number({value})"
        case Origin.FIELD:
            return f"shown({value})"
        case Origin.AMOUNT:
            return f"shown_amount({value}, e.currency)"
        case Origin.BASE:
            return "shown_amount(to_base(e.amount_minor, e.currency), base)"


def _place(source: Source, node: ast.expr, written: str, scope: Scope) -> Place:
    """The place for what stands between braces: a name, and perhaps a form."""
    name, colon, form = (part.strip() for part in written.partition(":"))
    place = _named(source, node, name, scope)
    if not colon:
        return place
    if form not in FORMS:
        hint = suggestion(form, FORMS) or f"there are {' and '.join(FORMS)}"
        raise source.error(node, f"unknown form {{{name[:80]}:{form[:80]}}} in a sentence", hint)
    types = scope.features if place.origin is Origin.FEATURE else scope.fields
    if place.origin in (Origin.AMOUNT, Origin.BASE) or types[name] is not Type.NUMBER:
        raise source.error(node, f"{name} is not a number that can be shown as {form}")
    return Place(name, place.origin, form)


def _named(source: Source, node: ast.expr, name: str, scope: Scope) -> Place:
    """The place for one name."""
    if name in scope.features:
        if scope.features[name] is Type.TEXT:
            raise source.error(node, f"{name} is a text feature, and its text is not kept")
        return Place(name, Origin.FEATURE)
    if name == AMOUNT_BASE and name in scope.fields:
        return Place(name, Origin.BASE)
    if name in scope.fields:
        is_amount = scope.kinds.get(name) == "money" and "currency" in scope.fields
        return Place(name, Origin.AMOUNT if is_amount else Origin.FIELD)
    hint = suggestion(name, {*scope.fields, *scope.features})
    raise source.error(node, f"unknown name {{{name[:80]}}} in a sentence", hint)


def _joined(parts: list[str | Place]) -> tuple[str | Place, ...]:
    """Neighbouring texts made one, empty ones left out."""
    found: list[str | Place] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)
