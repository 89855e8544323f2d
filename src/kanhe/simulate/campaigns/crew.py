"""What attackers work with: rented servers, other people's home connections, devices, stolen cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kanhe.simulate.chance import Dice
from kanhe.simulate.diary import Mark
from kanhe.simulate.people import Buyer, Card
from kanhe.simulate.places import PLACES, Place
from kanhe.simulate.shop import Shop

CRUDE, CAREFUL, SUBTLE = 0, 1, 2
"""How much trouble attackers take. Most campaigns begin crude and adapt from wave to wave: they
rotate what can be counted, slow down, and look more like the people around them."""

ROBOTS = ("python-requests/2.32", "curl/8.5", "Mozilla/5.0 (X11; Linux) HeadlessChrome/131")


@dataclass(slots=True)
class Crew:
    """One group of attackers under the name of its campaign."""

    shop: Shop
    dice: Dice
    campaign: str
    base: Place

    def mark(self, who: object) -> Mark:
        """The truth about an event of this crew; `who` tells its members or accounts apart."""
        return Mark(self.campaign, "attacker", f"{self.campaign}/{who}")

    def servers(self, count: int) -> list[str]:
        """Addresses of a rented rack."""
        return self.shop.people.networks.block(self.base, count)

    def homes(self, count: int, place: Place | None = None) -> list[str]:
        """Home connections abused as proxies; half of them belong to the shop's own buyers."""
        where = place or self.base
        buyers = self.shop.people.buyers
        found = []
        for _ in range(count):
            owner = self.dice.pick(buyers)
            if owner.place is where and self.dice.chance(0.5):
                found.append(owner.home_ip)
            else:
                found.append(self.shop.people.networks.address(where))
        return found

    def client(
        self, ip: str, place: Place, *, device: str = "", robot: bool = False, **extra: Any
    ) -> dict[str, Any]:
        """What the shop sees of an attacker's visit."""
        _, lat, lon = self.dice.pick(place.cities)
        body: dict[str, Any] = {
            "device": device or self.shop.make.name("d"), "ip": ip, "ip_country": place.code,
            "session": self.shop.make.name("s"), "channel": "web", "lat": lat, "lon": lon,
            "user_agent": self.dice.pick(ROBOTS) if robot else "Mozilla/5.0 (Windows NT 10.0) Chrome/142",
            **extra,
        }  # fmt: skip
        if robot:
            body["is_automated"] = True
        return body

    def account(self, place: Place, at_ms: float, ip: str, address: str = "") -> Buyer:
        """An account made for the purpose; it is not among the shop's honest buyers."""
        buyer = self.shop.make.buyer(place, self.dice.pick(place.cities), int(at_ms))
        buyer.home_ip = ip
        buyer.mark = self.mark(buyer.user)
        if address:
            buyer.address = address
        return buyer

    def stolen_card(self, place: Place | None = None) -> Card:
        """A card whose holder is not here; sometimes that of one of the shop's own buyers."""
        if place is None and self.dice.chance(0.15):
            return self.dice.pick(self.shop.people.buyers).cards[0]
        return self.shop.make.card(place or self.dice.pick(PLACES))
