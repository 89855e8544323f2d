"""Pure transforms from the cells of a shop's table to the values of an event.

A cell is what a file holds: text (always, in CSV), or a number, a boolean, a date or a time (in
Parquet). Nothing is guessed: what cannot be read as declared raises `CellError`. Money never passes
through binary arithmetic: a float is read as the shortest decimal that stands for it, which is what
the shop wrote, and everything after that is decimal and exact.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
)
from typing import Any
from zoneinfo import ZoneInfo

from kanhe.core.currencies import EXPONENT
from kanhe.core.errors import KanheError

Cell = Any
"""str, int, float, bool, Decimal, date, datetime or None, as a table file holds them."""

ROUNDINGS = {
    "half-up": ROUND_HALF_UP,
    "half-even": ROUND_HALF_EVEN,
    "half-down": ROUND_HALF_DOWN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
    "ceiling": ROUND_CEILING,
    "floor": ROUND_FLOOR,
}
"""How a declared rounding is called; `up` and `down` are away from and towards zero."""

# Sixty digits hold any product of two cells that stand for money and any sum of a group's lines;
# what needs more is refused by the Inexact trap instead of being rounded unnoticed.
_EXACT = Context(prec=60)
_EXACT.traps[InvalidOperation] = True
_EXACT.traps[Inexact] = True
_MAX_NUMBER_CHARS = 40
_ZERO = Decimal(0)


class CellError(KanheError):
    """A cell could not be read as the mapping declares; the text says what was expected."""


def is_missing(cell: Cell) -> bool:
    """Whether a cell is empty: nothing, text of blanks only, or a float that is no number."""
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def shown(cell: Cell) -> str:
    """A cell as a message quotes it, at most 40 characters."""
    text = repr(cell) if isinstance(cell, str) else str(cell)
    return text if len(text) <= 40 else text[:39] + "…"


def text_of(cell: Cell) -> str:
    """Text without blanks around it; whole numbers held as floats lose their `.0` (17850.0 → 17850)."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


@functools.lru_cache(maxsize=65_536)
def _decimal(text: str) -> Decimal:
    if len(text) > _MAX_NUMBER_CHARS or "_" in text:
        raise CellError(f"expected a number, got {shown(text)}")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise CellError(f"expected a number, got {shown(text)}") from None
    if not number.is_finite() or number.adjusted() > 30 or number.adjusted() < -30:
        raise CellError(f"expected a finite number of usual size, got {shown(text)}")
    return number


def number_of(cell: Cell) -> Decimal:
    """The exact decimal a cell stands for; raises `CellError` for what is no finite number.

    Text uses `.` as the decimal mark and no grouping. A float gives its shortest decimal.
    """
    if isinstance(cell, bool):
        raise CellError(f"expected a number, got {shown(cell)}")
    if isinstance(cell, int):
        return Decimal(cell)
    if isinstance(cell, float):
        return _decimal(repr(cell))
    if isinstance(cell, Decimal):
        return _decimal(str(cell))
    if isinstance(cell, str):
        return _decimal(cell.strip())
    raise CellError(f"expected a number, got {shown(cell)}")


def product(cells: tuple[Cell, ...]) -> Decimal:
    """The exact product of cells, such as a quantity and a price."""
    result = number_of(cells[0])
    try:
        for cell in cells[1:]:
            result = _EXACT.multiply(result, number_of(cell))
    except Inexact:
        raise CellError("expected numbers whose product has at most 60 digits") from None
    return result


def total(numbers: list[Decimal]) -> Decimal:
    """The exact sum of decimals."""
    result = _ZERO
    try:
        for number in numbers:
            result = _EXACT.add(result, number)
    except Inexact:
        raise CellError("expected numbers whose sum has at most 60 digits") from None
    return result


def minor_units(amount: Decimal, digits: int, rounding: str = "half-up") -> int:
    """An amount in major units as whole minor units: 2.55 with 2 digits is 255.

    Rounding (one of `ROUNDINGS`) happens once, here; `exact` refuses what would need rounding.
    """
    scaled = amount.scaleb(digits, _EXACT)
    if rounding == "exact":
        if scaled != scaled.to_integral_value():
            raise CellError(f"expected at most {digits} decimal places, got {amount}")
        return int(scaled)
    return int(scaled.to_integral_value(ROUNDINGS[rounding], _EXACT))


def major_units(amount: Decimal, digits: int) -> Decimal:
    """An amount that counts smallest units, in major units: 255 with 2 digits is 2.55."""
    return amount.scaleb(-digits, _EXACT)


def whole_number(number: Decimal) -> int:
    """A decimal that is a whole number as an int (`6.0` counts as whole)."""
    if number != number.to_integral_value():
        raise CellError(f"expected a whole number, got {number}")
    return int(number)


_TRUE = frozenset({"true", "yes", "y", "1"})
_FALSE = frozenset({"false", "no", "n", "0"})


def truth_of(cell: Cell) -> bool:
    """A boolean, or the words true/false, yes/no, y/n, 1/0 in any case."""
    if isinstance(cell, bool):
        return cell
    word = text_of(cell).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise CellError(f"expected true or false, got {shown(cell)}")


def code_of(cell: Cell, table: Mapping[str, str], other: str | None = None) -> str | None:
    """Look a name up in a declared table; an empty entry in the table means: leave the field out.
    `other` is for names that are not in it."""
    name = text_of(cell)
    code = table.get(name, other)
    if code is None:
        raise CellError(f"expected a name of the declared table, got {shown(cell)}")
    return code or None


def at_ms(cell: Cell, zone: ZoneInfo, pattern: str = "", ambiguous: str = "earlier") -> int:
    """A local date and time as milliseconds since 1970-01-01 UTC.

    Text is read by `pattern` (as `strptime` does) or, without one, as ISO 8601; an offset in the
    text wins over `zone`. When clocks are set back an hour happens twice: `ambiguous` says which one
    is meant (`earlier`, `later`) or `refuse`. A time that clocks skipped never happened and raises.
    """
    moment = _moment(cell, pattern)
    if moment.tzinfo is not None:
        return _milliseconds(moment)
    if zone.key == "UTC":
        # Nobody sets these clocks; most machines write by them, so it is worth not asking twice.
        return _milliseconds(moment.replace(tzinfo=UTC))
    earlier = _milliseconds(moment.replace(tzinfo=zone, fold=0))
    later = _milliseconds(moment.replace(tzinfo=zone, fold=1))
    if earlier == later:
        return earlier
    if later < earlier:
        # PEP 495: inside a gap, fold=0 gives the offset before it and therefore the later instant.
        raise CellError(f"{moment} does not exist in {zone.key}: clocks were set forward over it")
    if ambiguous == "refuse":
        raise CellError(f"{moment} happened twice in {zone.key}: clocks were set back over it")
    return later if ambiguous == "later" else earlier


def moment_ms(cell: Cell, unit_ms: int) -> int:
    """A number of units since 1970-01-01 UTC as milliseconds; parts of one are cut off."""
    number = number_of(cell)
    if abs(number) > _MAX_UNITS:
        raise CellError(f"expected a time since 1970, got {shown(cell)}")
    return int(number * unit_ms)


def currency_of(cell: Cell) -> str:
    """A currency code of ISO 4217, in upper case whatever it was."""
    code = "" if is_missing(cell) else text_of(cell).upper()
    if code not in EXPONENT:
        raise CellError(f"expected a currency of ISO 4217, got {shown(cell)}")
    return code


_MAX_UNITS = 10**15
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _milliseconds(moment: datetime) -> int:
    try:
        passed = moment.astimezone(UTC) - _EPOCH
    except OverflowError:  # the first or last hours of the calendar, in another zone
        raise CellError("expected a date and time of the years 1 to 9999 in UTC") from None
    return passed.days * 86_400_000 + passed.seconds * 1000 + passed.microseconds // 1000


def _moment(cell: Cell, pattern: str) -> datetime:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    if not isinstance(cell, str):
        raise CellError(f"expected a date and time, got {shown(cell)}")
    text = cell.strip()
    try:
        return datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)
    except ValueError:
        form = pattern or "YYYY-MM-DD HH:MM:SS"
        raise CellError(f"expected a date and time written {form}, got {shown(cell)}") from None
