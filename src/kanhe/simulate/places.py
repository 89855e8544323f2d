"""Where people of the simulated shop live: countries, cities, clocks, currencies, networks.

Network addresses come from 240.0.0.0/4, which RFC 1112 reserves and nobody owns, so that a simulated
attack never points at a real network. Clocks keep one offset all year. Prices and rates are round.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A country as the simulated shop knows it."""

    code: str
    currency: str
    offset_min: int
    """Minutes east of UTC."""
    weight: int
    """How many of the shop's people live here, relative to the others."""
    minor_per_cent: float
    """Minor units of the local currency (ISO 4217: rupiah have two decimals) for one euro cent."""
    language: str
    dial: str
    mail: tuple[str, ...]
    network: int
    """The first address of the country's block of 2**22, as a number."""
    cities: tuple[tuple[str, float, float], ...]


def _place(
    index: int, code: str, currency: str, offset: int, weight: int, rate: float, language: str,
    dial: str, mail: str, *cities: tuple[str, float, float],
) -> Place:  # fmt: skip
    network = (240 << 24) + (index << 22)
    return Place(
        code, currency, offset, weight, rate, language, dial, tuple(mail.split()), network, cities
    )


PLACES: tuple[Place, ...] = (
    _place(0, "DE", "EUR", 60, 22, 1.0, "de-DE", "+49", "example.de post.example.de example.org",
           ("Berlin", 52.52, 13.40), ("Hamburg", 53.55, 9.99), ("Munich", 48.14, 11.58)),
    _place(1, "GB", "GBP", 0, 18, 0.86, "en-GB", "+44", "example.co.uk mail.example.uk",
           ("London", 51.51, -0.13), ("Manchester", 53.48, -2.24), ("Leeds", 53.80, -1.55)),
    _place(2, "FR", "EUR", 60, 12, 1.0, "fr-FR", "+33", "example.fr courriel.example.fr",
           ("Paris", 48.86, 2.35), ("Lyon", 45.76, 4.84), ("Lille", 50.63, 3.06)),
    _place(3, "US", "USD", -300, 18, 1.09, "en-US", "+1", "example.com mail.example.com",
           ("New York", 40.71, -74.01), ("Chicago", 41.88, -87.63), ("Atlanta", 33.75, -84.39)),
    _place(4, "CN", "CNY", 480, 14, 7.7, "zh-CN", "+86", "example.cn mail.example.cn",
           ("Shanghai", 31.23, 121.47), ("Shenzhen", 22.54, 114.06), ("Hangzhou", 30.27, 120.16)),
    _place(5, "JP", "JPY", 540, 7, 1.6, "ja-JP", "+81", "example.jp mail.example.jp",
           ("Tokyo", 35.68, 139.69), ("Osaka", 34.69, 135.50)),
    _place(6, "BR", "BRL", -180, 6, 6.0, "pt-BR", "+55", "example.com.br",
           ("Sao Paulo", -23.55, -46.63), ("Recife", -8.05, -34.90)),
    _place(7, "PL", "PLN", 60, 5, 4.3, "pl-PL", "+48", "example.pl poczta.example.pl",
           ("Warsaw", 52.23, 21.01), ("Krakow", 50.06, 19.94)),
    _place(8, "AU", "AUD", 600, 4, 1.66, "en-AU", "+61", "example.com.au",
           ("Sydney", -33.87, 151.21), ("Melbourne", -37.81, 144.96)),
    _place(9, "IN", "INR", 330, 6, 95.0, "en-IN", "+91", "example.in",
           ("Mumbai", 19.08, 72.88), ("Bengaluru", 12.97, 77.59)),
    _place(10, "SG", "SGD", 480, 3, 1.46, "en-SG", "+65", "example.sg", ("Singapore", 1.35, 103.82)),
    _place(11, "NG", "USD", 60, 2, 1.09, "en-NG", "+234", "example.ng", ("Lagos", 6.52, 3.38)),
    _place(12, "NL", "EUR", 60, 5, 1.0, "nl-NL", "+31", "example.nl", ("Amsterdam", 52.37, 4.90)),
    _place(13, "ID", "IDR", 420, 3, 17_800.0, "id-ID", "+62", "example.id", ("Jakarta", -6.21, 106.85)),
)  # fmt: skip

CARDS: dict[str, tuple[tuple[str, str], ...]] = {
    "CN": (("unionpay", "62284800"), ("unionpay", "62170000"), ("visa", "40001500")),
    "JP": (("jcb", "35300100"), ("visa", "40002500")),
    "IN": (("rupay", "60800100"), ("visa", "40003500")),
    "BR": (("elo", "63630100"), ("mastercard", "51004500")),
}
"""Made-up card ranges (scheme, first eight digits) per country; the others use `OTHER_CARDS`."""
OTHER_CARDS = (("visa", "4900"), ("mastercard", "5290"), ("mastercard", "5390"), ("amex", "3790"))

HOURS = (
    2, 1, 1, 1, 1, 2, 5, 9, 13, 15, 16, 17, 19, 17, 15, 15, 16, 19, 24, 30, 34, 31, 20, 9,
)  # fmt: skip
"""How busy buyers are in each hour of their own day: a low at night, lunch, a long evening."""
WORK_HOURS = (0, 0, 0, 0, 0, 0, 0, 2, 9, 14, 15, 13, 7, 12, 14, 13, 11, 6, 3, 1, 1, 0, 0, 0)
"""The same for merchants, couriers and staff."""
WEEKDAYS = (0.94, 0.92, 0.93, 0.97, 1.06, 1.14, 1.04)
"""How busy each day of the week is, from Monday."""


def minutes_table(hours: tuple[int, ...]) -> tuple[int, ...]:
    """The minutes of a day at which a quarter of an hour begins, as often as the hour is busy."""
    return tuple(
        hour * 60 + quarter * 15
        for hour, busy in enumerate(hours)
        for quarter in range(4)
        for _ in range(busy)
    )


BUYING_MINUTES = minutes_table(HOURS)
WORKING_MINUTES = minutes_table(WORK_HOURS)


def address_text(number: int) -> str:
    """An IPv4 address from its number."""
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


_BLOCK = 1 << 22


class Networks:
    """Hands out addresses: each household, office, carrier and rented server has its own."""

    def __init__(self) -> None:
        self._next = {place.code: 256 for place in PLACES}

    def address(self, place: Place) -> str:
        """An address of this country that nobody was given before."""
        return address_text(place.network + self._advance(place, 97))

    def block(self, place: Place, count: int) -> list[str]:
        """Neighbouring addresses, as a rented rack of servers has them."""
        first = self._advance(place, 97 * (count // 97 + 1))
        return [address_text(place.network + (first + step) % _BLOCK) for step in range(count)]

    def _advance(self, place: Place, step: int) -> int:
        # An odd step visits the whole block before it repeats, and spreads over many /24 networks.
        number = self._next[place.code]
        self._next[place.code] = (number + step) % _BLOCK
        return number
