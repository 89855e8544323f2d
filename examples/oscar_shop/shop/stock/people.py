"""The buyers the shop begins with, and what they did before. None of them exists."""

from typing import NamedTuple


class Buyer(NamedTuple):
    """One account. `past` are orders: days ago, products, and what was said of them afterwards."""

    key: str
    first: str
    last: str
    mail: str
    place: tuple[str, str, str, str]
    past: tuple[tuple[int, tuple[str, ...], str], ...]
    has_app: bool = False


PASSWORD = "jasmine-2-pearls"
BUYERS = (
    Buyer("honest", "Mei", "Lindqvist", "mei@example.com", ("Kastanienallee 7", "Berlin", "10435", "DE"),
          ((64, ("HS-101",), ""), (31, ("HS-203", "HS-104"), ""), (9, ("HS-102",), ""))),
    Buyer("stolen", "Anton", "Weiss", "anton@example.com", ("Lange Gasse 22", "Wien", "1080", "AT"),
          ((120, ("HS-202",), ""), (44, ("HS-103",), "")), True),
    Buyer("refunds", "Ray", "Dorn", "ray@example.com", ("Rue des Tanneurs 3", "Bruxelles", "1000", "BE"),
          ((75, ("HS-202", "HS-301"), ""), (52, ("HS-103", "HS-105"), ""),
           (38, ("HS-204",), "not_received"), (17, ("HS-201",), "not_received"), (2, ("HS-206",), ""))),
)  # fmt: skip
