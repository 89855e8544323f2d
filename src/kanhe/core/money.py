"""Money is integer minor units with a currency; sums are made in one base currency, exactly."""

from __future__ import annotations

from fractions import Fraction

from kanhe.core.currencies import EXPONENT

AMOUNT_MAX_MINOR = 10**12
"""The largest amount an event may carry, in minor units of its currency."""


class Rates:
    """Exchange rates into one base currency, applied with exact integer arithmetic.

    `rates` maps an ISO 4217 code to how many units of the base currency one unit of it is worth
    (decimal text, so that no binary fraction creeps in). A currency without a rate converts to
    `None`: its amounts still count as events, but not in sums.
    """

    def __init__(self, base: str, rates: dict[str, str]) -> None:
        self.base = base
        base_scale = Fraction(10 ** EXPONENT[base])
        self._factor: dict[str, tuple[int, int]] = {base: (1, 1)}
        for code, rate in rates.items():
            factor = Fraction(rate) * base_scale / Fraction(10 ** EXPONENT[code])
            self._factor[code] = (factor.numerator, factor.denominator)

    def factor(self, currency: str) -> tuple[int, int] | None:
        """What one minor unit of a currency is in minor units of the base, as numerator and
        denominator without a common divisor; `None` without a rate."""
        return self._factor.get(currency)

    def to_base(self, amount_minor: int | None, currency: str | None) -> int | None:
        """Convert to minor units of the base currency, rounding halves up; `None` if unknown."""
        if amount_minor is None or currency is None:
            return None
        factor = self._factor.get(currency)
        if factor is None:
            return None
        numerator, denominator = factor
        if denominator == 1:
            return amount_minor * numerator
        return (2 * amount_minor * numerator + denominator) // (2 * denominator)
