"""Attacks with other people's cards."""

from __future__ import annotations

from typing import Any

from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from kanhe.simulate import trades
from kanhe.simulate.campaigns.crew import CAREFUL, CRUDE, SUBTLE, Crew
from kanhe.simulate.honest import fulfil
from kanhe.simulate.people import CATEGORIES, Card, Merchant, Product
from kanhe.simulate.places import PLACES
from kanhe.simulate.trades import STOLEN_DECLINES, Client, Manner, Transport


def card_testing(crew: Crew) -> None:
    """Which of thousands of stolen card numbers still work? Small payments tell."""
    shop = crew.shop
    for begins, level, count, spacing_s in (
        (0.22, CRUDE, 260, 5.0),
        (0.47, CAREFUL, 160, 90.0),
        (0.68, SUBTLE, 70, 2400.0),
    ):
        at_ms = float(shop.moment(begins))
        servers, homes = crew.servers(6), crew.homes(90)
        devices = [shop.make.name("d") for _ in range(3)]
        seller = shop.people.seller(crew.dice)
        issuer = crew.dice.pick(PLACES)
        for number in range(shop.many(count, 25)):
            at_ms += crew.dice.wait(spacing_s) * SECOND_MS
            card = crew.stolen_card(issuer if level == CRUDE else None)
            if level == CRUDE:
                client = crew.client(
                    crew.dice.pick(servers), crew.base, device=crew.dice.pick(devices), robot=True,
                    is_hosting=True,
                )  # fmt: skip
            else:
                client = crew.client(crew.dice.pick(homes), crew.base)
                if level == SUBTLE or number % 25 == 0:
                    seller = shop.people.seller(crew.dice)
            _try_card(crew, level, card, client, at_ms, seller)


def _try_card(
    crew: Crew, level: int, card: Card, client: Client, at_ms: float, seller: Merchant
) -> None:
    shop, dice = crew.shop, crew.dice
    low, high = ((80, 250), (150, 900), (400, 2600))[level]
    mark = crew.mark(client["device"])
    manner = Manner(
        mark, declined=0.86 if level < SUBTLE else 0.7, reasons=STOLEN_DECLINES, guest=True,
        fill_ms=(900, 6000, 25_000)[level],
    )  # fmt: skip
    buyer = crew.account(crew.base, at_ms, client["ip"])
    thing = Product(shop.make.name("p"), "gift_card", dice.whole(low, high), 0)
    if level == SUBTLE:
        trades.open_session(shop, dice, client, at_ms - 2 * MINUTE_MS, mark)
    order = trades.place_order(shop, dice, buyer, seller, [thing], client, at_ms, manner)
    worked = trades.pay(shop, dice, order, card, at_ms + 2 * SECOND_MS, manner)
    if worked and dice.chance(0.5):
        trades.charge_back(shop, dice, order, at_ms + dice.between(4, 16) * DAY_MS, "fraud")


def stolen_cards(crew: Crew) -> None:
    """Buy what sells again quickly, with cards known to work, until they stop working."""
    shop, dice = crew.shop, crew.dice
    dear = [c for c in CATEGORIES if c[0] in ("phones", "audio", "gift_card")]
    drops = [shop.make.name("a") for _ in range(4)]
    for number in range(shop.many(34, 6)):
        level = (CRUDE, CAREFUL, CAREFUL, SUBTLE)[number % 4]
        at_ms = float(shop.moment(0.08 + 0.72 * dice.random()))
        issuer = dice.pick(PLACES)
        here = issuer if level == SUBTLE else crew.base
        ip = crew.homes(1, here)[0] if level else crew.servers(1)[0]
        thief = crew.account(here, at_ms, ip)
        extra: dict[str, Any] = (
            {} if level == SUBTLE else {"is_proxy": level == CAREFUL and dice.chance(0.3)}
        )
        if level == CRUDE:
            extra = {"is_hosting": True}
        client = {**crew.client(ip, here, **extra), "user": thief.user}
        aged = dice.between(6, 30) * DAY_MS if level == SUBTLE else dice.between(4, 90) * MINUTE_MS
        early = max(shop.start_ms, at_ms - aged)
        trades.register(shop, dice, thief, client, early, thief.mark, email_verified=bool(level))
        at_ms = early + aged
        trades.sign_in(shop, dice, client, at_ms, thief.mark, new_device=False)
        card = crew.stolen_card(issuer)
        for _ in range(dice.whole(1, 4 if level < SUBTLE else 2)):
            seller = shop.people.seller(dice)
            thing = shop.make.product(dice.pick(dear if level < SUBTLE else CATEGORIES))
            manner = Manner(
                thief.mark, declined=(0.45, 0.3, 0.15)[level], reasons=STOLEN_DECLINES,
                fill_ms=(9_000, 20_000, 40_000)[level],
                extra={"is_express": dice.chance(0.7), "address": dice.pick(drops),
                       "shipping_country": here.code,
                       **({"is_reshipper": True} if level and dice.chance(0.3) else {})},
            )  # fmt: skip
            order = trades.place_order(shop, dice, thief, seller, [thing], client, at_ms, manner)
            for attempt in range(1, 4):
                at_ms += dice.between(15, 120) * SECOND_MS
                if trades.pay(shop, dice, order, card, at_ms, manner, attempt):
                    packed = at_ms + dice.between(3, 20) * HOUR_MS
                    if not order.digital:
                        trades.ship(shop, dice, order, packed, Transport(seller.mark))
                    late = at_ms + dice.between(5, 24) * DAY_MS
                    trades.charge_back(shop, dice, order, late, "fraud")
                    break
                if dice.chance(0.5):
                    card = crew.stolen_card(issuer)
            at_ms += dice.between(2, 300) * MINUTE_MS


def friendly_fraud(crew: Crew) -> None:
    """Keep the goods and tell the bank that it was somebody else, or that nothing came."""
    shop, dice = crew.shop, crew.dice
    for _ in range(shop.many(12, 3)):
        place = dice.pick(shop.make.weighted)
        buyer = crew.account(place, shop.moment(0.02), shop.people.networks.address(place))
        client = {
            **crew.client(buyer.home_ip, place, device=buyer.devices[0].name), "user": buyer.user,
        }  # fmt: skip
        trades.register(
            shop, dice, buyer, client, shop.moment(0.02 + 0.2 * dice.random()), buyer.mark
        )
        for _ in range(dice.whole(3, 7)):
            at_ms = float(shop.moment(0.25 + 0.45 * dice.random()))
            visit = {**client, "session": shop.make.name("s")}
            seller = shop.people.seller(dice)
            manner = Manner(buyer.mark)
            goods = trades.basket(shop, dice, buyer, seller)
            order = trades.place_order(shop, dice, buyer, seller, goods, visit, at_ms, manner)
            if not trades.pay(shop, dice, order, buyer.cards[0], at_ms + 30 * SECOND_MS, manner):
                continue
            done = trades.ship(shop, dice, order, at_ms + 12 * HOUR_MS, Transport(seller.mark))
            disputed = (done or at_ms) + dice.between(3, 11) * DAY_MS
            reason = dice.pick(("fraud", "not_received", "fraud", "not_as_described"))
            trades.charge_back(
                shop, dice, order, disputed, reason, mark=buyer.mark, verdict="abuse"
            )


def gift_card_cashing(crew: Crew) -> None:
    """Stolen money becomes gift cards in many small purchases from accounts that look like a family."""
    shop, dice = crew.shop, crew.dice
    place = dice.pick(PLACES[:5])
    home = crew.homes(1, place)[0]
    family = [crew.account(place, shop.moment(0.3), home, "a-cash-1") for _ in range(4)]
    cards = [crew.stolen_card(place) for _ in range(8)]
    for member in family:
        at_ms = float(shop.moment(0.3 + 0.1 * dice.random()))
        client = {
            **crew.client(home, place, device=member.devices[0].name), "user": member.user,
        }  # fmt: skip
        trades.register(shop, dice, member, client, at_ms, member.mark)
        for _ in range(shop.many(14, 3)):
            at_ms += dice.between(3, 30) * HOUR_MS
            card = Product(shop.make.name("p"), "gift_card", dice.pick((2500, 5000, 10_000)), 0)
            manner = Manner(member.mark, declined=0.12, reasons=STOLEN_DECLINES)
            visit = {**client, "session": shop.make.name("s")}
            seller = shop.people.seller(dice)
            order = trades.place_order(shop, dice, member, seller, [card], visit, at_ms, manner)
            if trades.pay(shop, dice, order, dice.pick(cards), at_ms + 20 * SECOND_MS, manner):
                fulfil(shop, dice, order, at_ms)
                trades.charge_back(shop, dice, order, at_ms + dice.between(6, 25) * DAY_MS, "fraud")
