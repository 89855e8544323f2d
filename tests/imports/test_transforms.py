"""Transforms of cells: exact money, declared times, nothing guessed."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.judge.intake.transforms import (
    ROUNDINGS,
    CellError,
    at_ms,
    code_of,
    currency_of,
    is_missing,
    major_units,
    minor_units,
    moment_ms,
    number_of,
    product,
    text_of,
    total,
    truth_of,
    whole_number,
)

LONDON = ZoneInfo("Europe/London")
prices = st.decimals(-(10**9), 10**9, places=2, allow_nan=False, allow_infinity=False)
fine_prices = st.decimals(-(10**6), 10**6, places=5, allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(st.integers(-(10**6), 10**6), prices), min_size=1, max_size=50))
def test_sums_of_quantity_times_price_are_exact(lines: list[tuple[int, Decimal]]) -> None:
    """An invoice's total is what exact fractions say, even if prices came as binary floats."""
    exact = sum(Fraction(quantity) * Fraction(price) * 100 for quantity, price in lines)
    assert exact.denominator == 1
    for cells in (lines, [(q, float(p)) for q, p in lines], [(str(q), str(p)) for q, p in lines]):
        amount = total([product(line) for line in cells])
        assert minor_units(amount, 2, "exact") == exact


@given(fine_prices, st.sampled_from(sorted(ROUNDINGS)))
def test_rounding_is_the_declared_one(price: Decimal, rounding: str) -> None:
    """Rounding moves by less than one minor unit, and by at most a half where it says half."""
    moved = abs(Fraction(minor_units(price, 2, rounding)) - Fraction(price) * 100)
    assert moved < 1
    if rounding.startswith("half"):
        assert moved <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [("half-up", (3, -3)), ("half-even", (2, -2)), ("half-down", (2, -2)), ("up", (3, -3)),
     ("down", (2, -2)), ("ceiling", (3, -2)), ("floor", (2, -3))],
)  # fmt: skip
def test_halves_go_where_declared(rounding: str, expected: tuple[int, int]) -> None:
    """Each rounding sends two and a half cents to the side its name says."""
    assert minor_units(Decimal("0.025"), 2, rounding) == expected[0]
    assert minor_units(Decimal("-0.025"), 2, rounding) == expected[1]


def test_exact_rounding_refuses_parts_of_a_cent() -> None:
    """Where the mapping says exact, a price of a tenth of a cent is an error, not a guess."""
    with pytest.raises(CellError, match="at most 2 decimal places"):
        minor_units(Decimal("0.001"), 2, "exact")


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "abc",
        "1,5",
        "1_000",
        "NaN",
        "Infinity",
        "1e999",
        "1" * 41,
        float("inf"),
        True,
        pytest.param(object(), id="an object"),
    ],
    ids=str,
)
def test_what_is_no_number_is_refused(cell: object) -> None:
    """Nothing is guessed: grouping, commas, infinities and truth values are no numbers."""
    with pytest.raises(CellError):
        number_of(cell)


def test_products_beyond_sixty_digits_are_refused() -> None:
    """A number too long to be exact is refused instead of rounded."""
    with pytest.raises(CellError, match="60 digits"):
        product(("1" * 31,) * 3)


@given(st.integers(-(10**15), 10**15))
def test_whole_floats_keep_their_value(number: int) -> None:
    """A whole number held as a float reads as the same number, without `.0` as text."""
    assert whole_number(number_of(float(number))) == int(float(number))
    assert text_of(float(number)) == str(int(float(number)))


def test_parts_of_whole_numbers_are_refused() -> None:
    """Half a teapot is an error."""
    with pytest.raises(CellError, match="whole number"):
        whole_number(number_of("1.5"))


@pytest.mark.parametrize("cell", [None, "", "  ", float("nan")])
def test_empty_cells_are_missing(cell: object) -> None:
    """Nothing, blanks and a float that is no number all mean: not told."""
    assert is_missing(cell)
    assert not is_missing(0)
    assert not is_missing(False)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("2010-12-01 08:26:00", 1291191960000), ("2011-07-01 08:26:00", 1309505160000),
     (datetime(2011, 7, 1, 8, 26), 1309505160000), (date(2010, 12, 1), 1291161600000),
     ("2011-07-01T08:26:00+02:00", 1309501560000)],
)  # fmt: skip
def test_local_times_become_instants(cell: object, expected: int) -> None:
    """Winter and summer time of the declared zone count; an offset in the text wins."""
    assert at_ms(cell, LONDON) == expected


def test_a_declared_pattern_reads_other_ways_of_writing() -> None:
    """Dates as the shop writes them are read by its pattern, and only by it."""
    assert at_ms("1/12/2010 8:26", LONDON, "%d/%m/%Y %H:%M") == 1291191960000
    with pytest.raises(CellError, match="written %d"):
        at_ms("2010-12-01", LONDON, "%d/%m/%Y %H:%M")


def test_the_hour_that_happens_twice_is_declared() -> None:
    """When clocks go back, the mapping says which of the two hours is meant."""
    twice = datetime(2011, 10, 30, 1, 30)
    earlier, later = at_ms(twice, LONDON), at_ms(twice, LONDON, ambiguous="later")
    assert later - earlier == 3_600_000
    with pytest.raises(CellError, match="happened twice"):
        at_ms(twice, LONDON, ambiguous="refuse")


def test_the_hour_that_never_happened_is_refused() -> None:
    """When clocks go forward, a time they skipped is an error."""
    with pytest.raises(CellError, match="does not exist"):
        at_ms(datetime(2011, 3, 27, 1, 30), LONDON)


@given(st.datetimes(datetime(2001, 1, 1), datetime(2050, 1, 1)), st.integers(-14, 14))
def test_times_with_an_offset_are_exact(moment: datetime, hours: int) -> None:
    """An offset gives the exact millisecond, cut and not rounded."""
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    since = aware - datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - reads as it is meant
    assert at_ms(aware, LONDON) == since // timedelta(milliseconds=1)


def test_names_are_looked_up_in_the_declared_table_only() -> None:
    """A country the table does not know is an error; an empty code leaves the field out."""
    table = {"EIRE": "IE", "Unspecified": ""}
    assert code_of(" EIRE ", table) == "IE"
    assert code_of("Unspecified", table) is None
    with pytest.raises(CellError, match="declared table"):
        code_of("Ireland", table)


@pytest.mark.parametrize(
    ("cell", "expected"), [("Yes", True), (0, False), (True, True), ("f", None)]
)
def test_truth_values(cell: object, expected: bool | None) -> None:
    """Usual words are understood, others refused."""
    if expected is None:
        with pytest.raises(CellError):
            truth_of(cell)
    else:
        assert truth_of(cell) is expected


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_the_ends_of_the_calendar_are_no_fault(text: str) -> None:
    """A time that no longer lies in the calendar once it is in UTC is refused like any other mistake."""
    with pytest.raises(CellError):
        at_ms(text, LONDON)


def test_times_that_count_from_1970() -> None:
    """Seconds and milliseconds since 1970 are times; parts of one are cut off, and words are none."""
    assert moment_ms(1_767_225_600, 1_000) == moment_ms("1767225600000", 1) == 1_767_225_600_000
    assert moment_ms("1767225600.9999", 1_000) == 1_767_225_600_999
    for cell in ("soon", "", 10**18, True):
        with pytest.raises(CellError):
            moment_ms(cell, 1_000)


def test_currencies_are_known_in_any_case() -> None:
    """A currency is one of ISO 4217, and an amount in its writer's smallest unit is exact."""
    assert currency_of(" usd ") == "USD"
    for cell in ("", None, "XXX", 5):
        with pytest.raises(CellError):
            currency_of(cell)
    assert minor_units(major_units(Decimal(12345), 3), 3, "exact") == 12_345
    assert code_of("new", {"old": "o"}, "other") == "other"
    assert code_of("new", {"old": "o"}, "") is None
