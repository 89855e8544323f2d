"""The tables of currencies and countries."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanhe.core.countries import COUNTRIES
from kanhe.core.currencies import EXPONENT

ZONES = Path("/usr/share/zoneinfo/iso3166.tab")


@pytest.mark.parametrize(
    ("code", "places"),
    [
        ("EUR", 2),
        ("CNY", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("KWD", 3),
        ("TND", 3),
        ("CLF", 4),
        ("XCG", 2),
    ],
)
def test_minor_units(code: str, places: int) -> None:
    """Currencies have the decimal places ISO 4217 gives them."""
    assert EXPONENT[code] == places


def test_currencies_without_a_minor_unit_are_left_out() -> None:
    """Metals, test codes and currencies long withdrawn are no currencies of a shop."""
    assert not {"XAU", "XTS", "XXX", "DEM", "HRK", "ZWL"} & set(EXPONENT)
    assert all(len(code) == 3 and code.isupper() and code.isascii() for code in EXPONENT)
    assert set(EXPONENT.values()) == {0, 2, 3, 4}
    assert len(EXPONENT) == 166


def test_countries_are_the_official_ones() -> None:
    """All 249 codes of ISO 3166-1, and Kosovo's, which everybody uses."""
    assert len(COUNTRIES) == 250
    assert {"CN", "TW", "HK", "DE", "US", "GB", "XK"} <= COUNTRIES
    assert not {"UK", "EU", "AN", "XX"} & COUNTRIES


@pytest.mark.skipif(not ZONES.exists(), reason="the system has no time zone tables")
def test_countries_agree_with_the_time_zone_database() -> None:
    """The time zone database, compiled by others, knows the same codes."""
    lines = ZONES.read_text("utf-8").splitlines()
    assert {line[:2] for line in lines if line and line[0] != "#"} == COUNTRIES - {"XK"}
