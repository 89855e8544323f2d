"""Who lives in the simulated shop: buyers in households, merchants, couriers, staff, and their things."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kanhe.core.time import DAY_MS, HOUR_MS
from kanhe.simulate.chance import Dice
from kanhe.simulate.diary import Mark
from kanhe.simulate.places import CARDS, OTHER_CARDS, PLACES, Networks, Place

_PHONES = ("Shop/8.2 (iPhone; iOS 18)", "Shop/8.1 (iPhone; iOS 17)", "Shop/8.2 (Android 15)",
           "Shop/7.9 (Android 13)", "Shop/8.0 (Android 14)")  # fmt: skip
_DESKS = ("Mozilla/5.0 (Windows NT 10.0) Firefox/145", "Mozilla/5.0 (Windows NT 10.0) Chrome/142",
          "Mozilla/5.0 (Macintosh) Safari/18", "Mozilla/5.0 (X11; Linux) Firefox/145")  # fmt: skip

CATEGORIES: tuple[tuple[str, int, int], ...] = (
    ("home", 2400, 900), ("fashion", 3900, 500), ("toys", 2100, 600), ("beauty", 1800, 250),
    ("books", 1400, 400), ("audio", 6900, 350), ("phones", 42000, 450), ("sports", 5200, 1100),
    ("grocery", 1100, 1500), ("gift_card", 5000, 0),
)  # fmt: skip
"""Name, median price in euro cents, median weight in grams (0: nothing to ship)."""


@dataclass(slots=True)
class Device:
    """A phone or a computer."""

    name: str
    mobile: bool
    user_agent: str


@dataclass(slots=True)
class Card:
    """A payment card, known by its token."""

    token: str
    bin: str
    brand: str
    funding: str
    country: str


@dataclass(slots=True)
class Product:
    """Something for sale."""

    name: str
    category: str
    cents: int
    """The price in euro cents."""
    weight_g: int


@dataclass(slots=True)
class Merchant:
    """A seller on the platform, with the account of its owner."""

    name: str
    user: str
    place: Place
    city: tuple[str, float, float]
    device: Device
    ip: str
    bank_account: str
    products: list[Product]
    created_ms: int
    packing_h: float
    mark: Mark
    balance: int = 0
    """What it has earned and not had paid out, in euro cents."""


@dataclass(slots=True)
class Courier:
    """Somebody who carries parcels in one city."""

    name: str
    place: Place
    city: tuple[str, float, float]
    carrier: str
    mark: Mark


@dataclass(slots=True)
class Staff:
    """An employee of the platform."""

    name: str
    role: str
    device: Device
    ip: str
    mark: Mark


@dataclass(slots=True)
class Buyer:
    """An account, its person and their habits."""

    user: str
    place: Place
    city: tuple[str, float, float]
    lat: float
    lon: float
    address: str
    postal_code: str
    home_ip: str
    office_ip: str
    email: str
    phone: str
    devices: list[Device]
    cards: list[Card]
    created_ms: int
    spend: float
    """How much they spend, 1 is usual."""
    forgetful: float
    """The probability of mistyping the password."""
    returns: float
    """The probability of sending back what they bought."""
    mark: Mark
    vpn: bool = False
    mfa: bool = False
    gift_giver: bool = False
    trips: list[tuple[int, int, Place]] = field(default_factory=list)
    """Journeys: from, until (milliseconds), and to where."""
    orders: int = 0
    logged_in: set[str] = field(default_factory=set)
    """Devices on which the account has been used."""


class Makers:
    """Makes people and things, each with names of their own."""

    def __init__(self, dice: Dice, networks: Networks) -> None:
        self.dice = dice
        self.networks = networks
        self._counts: dict[str, int] = {}
        weighted = [place for place in PLACES for _ in range(place.weight)]
        self.weighted = tuple(weighted)
        self.carriers = {p.code: [networks.address(p) for _ in range(6)] for p in PLACES}
        self.vpns = [networks.address(PLACES[12]) for _ in range(5)] + [
            networks.address(PLACES[3]) for _ in range(5)
        ]
        self.vpn_places = [PLACES[12]] * 5 + [PLACES[3]] * 5

    def name(self, kind: str) -> str:
        """The next name of a kind, such as `u-17`."""
        number = self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}-{number}"

    def device(self, mobile: bool) -> Device:
        """A new device."""
        return Device(self.name("d"), mobile, self.dice.pick(_PHONES if mobile else _DESKS))

    def card(self, place: Place) -> Card:
        """A new card issued in a country."""
        dice = self.dice
        brand, digits = dice.pick(CARDS.get(place.code, OTHER_CARDS))
        if len(digits) == 4:
            digits = f"{digits}{PLACES.index(place):02d}{dice.below(6):02d}"
        funding = "credit" if dice.chance(0.55) else "debit"
        return Card(self.name("tok"), digits, brand, funding, place.code)

    def mailbox(self, place: Place) -> str:
        """A new e-mail address."""
        return f"{self.name('person')}@{self.dice.pick(place.mail)}"

    def telephone(self, place: Place) -> str:
        """A new telephone number."""
        return f"{place.dial}55{self.dice.below(10**7):07d}{self.dice.below(10)}"

    def product(self, category: tuple[str, int, int]) -> Product:
        """A new product of a category."""
        name, cents, weight = category
        price = max(150, int(self.dice.around(cents, 0.5)) // 50 * 50 - 1)
        return Product(
            self.name("p"), name, price, int(self.dice.around(weight, 0.5)) if weight else 0
        )

    def household(self, place: Place, created_ms: int) -> list[Buyer]:
        """One to four people who share an address, a network and sometimes a device or a card."""
        dice = self.dice
        city = dice.pick(place.cities)
        lat = round(city[1] + dice.between(-0.12, 0.12), 4)
        lon = round(city[2] + dice.between(-0.12, 0.12), 4)
        address, home_ip = self.name("a"), self.networks.address(place)
        tablet = self.device(True)
        joint = self.card(place)
        code = f"{place.code}{dice.below(90000) + 10000}"
        people = []
        for number in range(1 if dice.chance(0.6) else dice.whole(2, 4)):
            buyer = self.buyer(place, city, created_ms)
            buyer.lat, buyer.lon, buyer.address, buyer.postal_code = lat, lon, address, code
            buyer.home_ip = home_ip
            if number and dice.chance(0.45):
                buyer.devices.append(tablet)
            if number and dice.chance(0.3):
                buyer.cards.insert(0, joint)
            people.append(buyer)
        return people

    def buyer(self, place: Place, city: tuple[str, float, float], created_ms: int) -> Buyer:
        """One person with an account and with habits of their own."""
        dice = self.dice
        devices = [self.device(dice.chance(0.7))]
        if dice.chance(0.4):
            devices.append(self.device(not devices[0].mobile))
        cards = [self.card(place) for _ in range(1 if dice.chance(0.75) else 2)]
        user = self.name("u")
        return Buyer(
            user=user, place=place, city=city, lat=city[1], lon=city[2], address=self.name("a"),
            postal_code=f"{place.code}{dice.below(90000) + 10000}",
            home_ip="", office_ip="", email=self.mailbox(place), phone=self.telephone(place),
            devices=devices, cards=cards, created_ms=created_ms,
            spend=dice.around(1.0, 0.55) * (6.0 if dice.chance(0.01) else 1.0),
            forgetful=0.25 if dice.chance(0.08) else 0.04, returns=dice.between(0.01, 0.07),
            mark=Mark(None, "buyer", user), vpn=dice.chance(0.02), mfa=dice.chance(0.12),
            gift_giver=dice.chance(0.1),
        )  # fmt: skip

    def merchant(self, place: Place, created_ms: int, items: int) -> Merchant:
        """A seller with a range of products, mostly of two categories."""
        dice = self.dice
        lines = dice.some(CATEGORIES[:-1], 2)
        products = [self.product(dice.pick(lines)) for _ in range(items)]
        name = self.name("m")
        return Merchant(
            name, self.name("u"), place, dice.pick(place.cities), self.device(False),
            self.networks.address(place), self.name("iban"), products, created_ms,
            dice.around(14.0, 0.5), Mark(None, "merchant", name),
        )  # fmt: skip


class Population:
    """Everybody who lives in the shop at the beginning, and those who join."""

    def __init__(self, dice: Dice, start_ms: int, days: int, buyers: int, sellers: int) -> None:
        self.dice = dice
        self.networks = Networks()
        self.make = Makers(dice, self.networks)
        self.start_ms = start_ms
        self.days = days
        self.offices: dict[str, list[str]] = {
            p.code: [self.networks.address(p) for _ in range(3)] for p in PLACES
        }
        self.buyers: list[Buyer] = []
        self._often: list[Buyer] = []
        while len(self.buyers) < buyers:
            created = start_ms - int(dice.between(5, 500) * DAY_MS)
            for buyer in self.make.household(dice.pick(self.make.weighted), created):
                self.settle(buyer)
        self.merchants = [self._merchant() for _ in range(sellers)]
        self.couriers: dict[str, list[Courier]] = {}
        for place in PLACES:
            for city in place.cities:
                for _ in range(max(2, buyers * place.weight // 9000)):
                    name = self.make.name("c")
                    courier = Courier(
                        name, place, city, dice.pick(("north-post", "swift", "parcelway")),
                        Mark(None, "courier", name),
                    )  # fmt: skip
                    self.couriers.setdefault(city[0], []).append(courier)
        self.staff = [self._staff(number) for number in range(max(8, buyers // 280))]
        self._famous = [m for m in self.merchants for _ in range(int(dice.around(4, 0.8)) + 1)]

    def settle(self, buyer: Buyer) -> None:
        """Take a new buyer in: work place, trips, and how often they come."""
        dice = self.dice
        if dice.chance(0.45):
            buyer.office_ip = dice.pick(self.offices[buyer.place.code])
        if dice.chance(0.07):
            leaves = self.start_ms + dice.below(max(1, self.days)) * DAY_MS
            until = leaves + dice.whole(3, 10) * DAY_MS
            buyer.trips.append((leaves, until, dice.pick(PLACES)))
        self.buyers.append(buyer)
        # People differ widely in how often they come; the list holds them as often as they do.
        self._often.extend([buyer] * (1 + int(dice.around(2.0, 0.9))))

    def someone(self) -> Buyer:
        """A buyer, regular visitors more often than rare ones."""
        return self.dice.pick(self._often)

    def seller(self, dice: Dice) -> Merchant:
        """A merchant, popular ones more often than others."""
        return dice.pick(self._famous)

    def courier(self, dice: Dice, city: str) -> Courier:
        """One of the couriers of a city."""
        return dice.pick(self.couriers[city])

    def _merchant(self) -> Merchant:
        dice = self.dice
        created = self.start_ms - int(dice.between(60, 700) * DAY_MS)
        return self.make.merchant(dice.pick(self.make.weighted), created, dice.whole(6, 30))

    def _staff(self, number: int) -> Staff:
        roles = ("support", "support", "support", "finance", "risk", "catalogue")
        home = PLACES[0]
        name = self.make.name("st")
        device = self.make.device(False)
        office = self.offices[home.code][0]
        return Staff(name, roles[number % len(roles)], device, office, Mark(None, "staff", name))

    def client(self, buyer: Buyer, at_ms: float, dice: Dice) -> dict[str, Any] | None:
        """What the shop sees of a visit: device, address and place; `None` while they are travelling."""
        device = buyer.devices[0]
        if len(buyer.devices) > 1 and dice.random() < 0.35:
            device = buyer.devices[1 + dice.below(len(buyer.devices) - 1)]
        place, lat, lon, ip = buyer.place, buyer.lat, buyer.lon, buyer.home_ip
        offset = place.offset_min
        luck = dice.random()
        for leaves, returns, abroad in buyer.trips:
            if abs(at_ms - leaves) < 18 * HOUR_MS or abs(at_ms - returns) < 18 * HOUR_MS:
                return None
            if leaves < at_ms < returns:
                device, place = buyer.devices[0], abroad
                _, lat, lon = abroad.cities[0]
                offset = abroad.offset_min
                ip = dice.pick(
                    self.offices[abroad.code] if luck < 0.5 else self.make.carriers[abroad.code]
                )
        extra: dict[str, Any] = {}
        if place is buyer.place:
            hour = (int(at_ms) // HOUR_MS + place.offset_min // 60) % 24
            if buyer.vpn and luck < 0.5:
                number = dice.below(len(self.make.vpns))
                ip, place = self.make.vpns[number], self.make.vpn_places[number]
                _, lat, lon = place.cities[0]
                extra = {"is_vpn": True}
            elif device.mobile and luck < 0.35:
                ip = dice.pick(self.make.carriers[place.code])
                _, lat, lon = place.cities[0]
            elif buyer.office_ip and 9 <= hour < 18 and luck < 0.8:
                ip = buyer.office_ip
        return {
            "user": buyer.user, "device": device.name, "ip": ip, "session": self.make.name("s"),
            "channel": "app" if device.mobile else "web", "ip_country": place.code,
            "user_agent": device.user_agent, "utc_offset_minutes": offset,
            "lat": lat, "lon": lon, **extra,
        }  # fmt: skip
