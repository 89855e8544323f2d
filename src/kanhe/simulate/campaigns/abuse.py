"""Abuse by people who look like customers: refunds, scarce goods, bought praise, messages."""

from __future__ import annotations

from kanhe.core.time import DAY_MS, HOUR_MS, SECOND_MS
from kanhe.simulate import honest, trades
from kanhe.simulate.campaigns.crew import CAREFUL, CRUDE, SUBTLE, Crew
from kanhe.simulate.people import Merchant, Product
from kanhe.simulate.trades import Manner, Transport


def refund_abuse(crew: Crew) -> None:
    """Order, receive, and claim that the parcel was empty or never came; again and again."""
    shop, dice = crew.shop, crew.dice
    for number in range(shop.many(16, 4)):
        level = (CRUDE, CAREFUL, SUBTLE)[number % 3]
        place = dice.pick(shop.make.weighted)
        ip = shop.people.networks.address(place)
        buyer = crew.account(place, shop.moment(0.0), ip)
        client = {**crew.client(ip, place, device=buyer.devices[0].name), "user": buyer.user}
        trades.register(shop, dice, buyer, client, shop.moment(0.05 * dice.random()), buyer.mark)
        at_ms = float(shop.moment(0.08 + 0.3 * dice.random()))
        for _ in range(dice.whole(5, 9)):
            at_ms += dice.between(*((0.3, 2), (1, 4), (2, 6))[level]) * DAY_MS
            visit = {**client, "session": shop.make.name("s")}
            seller = shop.people.seller(dice)
            goods = trades.basket(shop, dice, buyer, seller)
            manner = Manner(buyer.mark)
            order = trades.place_order(shop, dice, buyer, seller, goods, visit, at_ms, manner)
            if not trades.pay(shop, dice, order, buyer.cards[0], at_ms + 30 * SECOND_MS, manner):
                continue
            packed = at_ms + 14 * HOUR_MS
            trades.capture(shop, order, packed, seller.mark)
            done = trades.ship(shop, dice, order, packed, Transport(seller.mark, lost=0))
            if dice.chance((0.9, 0.7, 0.45)[level]):
                reason = dice.pick(("not_received", "empty_parcel", "missing_item", "damaged"))
                trades.refund(
                    shop, dice, order, done + dice.between(0.1, 3) * DAY_MS, buyer.mark,
                    {k: v for k, v in visit.items() if k != "session"}, reason, returned=False, paid=0.75,
                )  # fmt: skip
        if level == CRUDE:
            late = at_ms + 9 * DAY_MS
            trades.label(shop, late, "abuse", "manual_review", user=buyer.user)


def reseller_bots(crew: Crew) -> None:
    """A scarce shoe goes on sale at noon; robots are faster than the fans, who come as well."""
    shop, dice = crew.shop, crew.dice
    for begins, level, count in ((0.3, CRUDE, 60), (0.6, CAREFUL, 60), (0.85, SUBTLE, 40)):
        day = shop.moment(begins) // DAY_MS * DAY_MS
        noon = day + 12 * HOUR_MS
        seller = shop.people.seller(dice)
        shoe = Product(shop.make.name("p"), "fashion", 18_900, 1200)
        drops = [shop.make.name("a") for _ in range((2, 6, 20)[level])]
        cards = [shop.make.card(crew.base) for _ in range((3, 12, 30)[level])]
        sources = crew.servers(4) if level == CRUDE else crew.homes(30)
        for _ in range(shop.many(count, 8)):
            at_ms = noon + dice.wait((2, 8, 40)[level]) * SECOND_MS
            ip = dice.pick(sources)
            robot = crew.account(crew.base, at_ms - 20 * DAY_MS, ip, dice.pick(drops))
            client = {**crew.client(ip, crew.base, robot=level == CRUDE), "user": robot.user}
            early = max(shop.start_ms, at_ms - dice.between(1, 15) * DAY_MS)
            trades.register(shop, dice, robot, client, early, robot.mark)
            at_ms = trades.fill_cart(
                shop, dice, client, [shoe] * (4, 2, 1)[level], at_ms, robot.mark,
                dwell_ms=(250, 900, 5000)[level], rate=robot.place.minor_per_cent,
                currency=robot.place.currency,
            )  # fmt: skip
            manner = Manner(robot.mark, fill_ms=(400, 1800, 9000)[level])
            order = trades.place_order(
                shop, dice, robot, seller, [shoe] * (4, 2, 1)[level], client, at_ms, manner
            )
            if trades.pay(shop, dice, order, dice.pick(cards), at_ms + 3 * SECOND_MS, manner):
                trades.ship(shop, dice, order, at_ms + DAY_MS, Transport(seller.mark))
        _fans(crew, seller, shoe, noon)


def _fans(crew: Crew, seller: Merchant, shoe: Product, noon: int) -> None:
    """Honest buyers who want the same thing at the same minute."""
    shop, dice = crew.shop, crew.dice
    for _ in range(shop.many(35, 5)):
        fan = shop.people.someone()
        at_ms = noon + dice.wait(150) * SECOND_MS
        client = shop.people.client(fan, at_ms, dice)
        if client is None:
            continue
        at_ms = trades.fill_cart(
            shop, dice, client, [shoe], at_ms, fan.mark, dwell_ms=9000,
            rate=fan.place.minor_per_cent, currency=fan.place.currency,
        )  # fmt: skip
        manner = Manner(fan.mark, fill_ms=14_000)
        order = trades.place_order(shop, dice, fan, seller, [shoe], client, at_ms, manner)
        if honest.pay_patiently(shop, dice, order, at_ms, manner):
            honest.fulfil(shop, dice, order, at_ms)


_FIVE_STARS = ("Best shop ever, very good!", "Super quality fast shipping", "I recommend this seller 100%",
               "Perfect perfect perfect", "Excellent product, five stars")  # fmt: skip


def brushing_reviews(crew: Crew) -> None:
    """A merchant buys from itself, ships next to nothing, and praises itself."""
    shop, dice = crew.shop, crew.dice
    for begins, level, count in ((0.1, CRUDE, 70), (0.35, CAREFUL, 60), (0.4, SUBTLE, 35)):
        seller = dice.pick(shop.people.merchants)
        seller_mark = crew.mark(seller.name)
        place = seller.place
        star = dice.pick(seller.products)
        devices = [shop.make.name("d") for _ in range((3, 15, 35)[level])]
        sources = crew.homes((2, 10, 35)[level], place)
        hands = []
        for number in range(max(4, (12, 20, 35)[level])):
            hand = crew.account(place, shop.moment(begins), dice.pick(sources))
            hand.city = seller.city
            client = {
                **crew.client(hand.home_ip, place, device=devices[number % len(devices)]),
                "user": hand.user,
            }  # fmt: skip
            early = shop.moment(begins * dice.random())
            trades.register(shop, dice, hand, client, early, hand.mark)
            hands.append((hand, client))
        for _ in range(shop.many(count, 6)):
            hand, client = dice.pick(hands)
            visit = {**client, "session": shop.make.name("s")}
            at_ms = shop.moment(begins + (0.05, 0.2, 0.35)[level] * dice.random())
            manner = Manner(hand.mark, declined=0.01, fill_ms=(5000, 14_000, 30_000)[level])
            order = trades.place_order(shop, dice, hand, seller, [star], visit, at_ms, manner)
            if not trades.pay(shop, dice, order, hand.cards[0], at_ms + 9 * SECOND_MS, manner):
                continue
            done = trades.ship(
                shop, dice, order, at_ms + dice.between(2, 9) * HOUR_MS,
                Transport(seller_mark, weight=(0.04, 0.08, 0.5)[level], lost=0),
            )  # fmt: skip
            wait = dice.between(0.01, (0.1, 1, 4)[level]) * DAY_MS
            trades.review(
                shop, dice, order, done + wait, hand.mark,
                {k: v for k, v in visit.items() if k != "session"}, 5,
                dice.pick(_FIVE_STARS if level < SUBTLE else trades.PRAISE),
                (4000, 12_000, 40_000)[level],
            )  # fmt: skip


def offsite_scam(crew: Crew) -> None:
    """Lure buyers away from the platform, where nobody protects them."""
    shop, dice = crew.shop, crew.dice
    for begins, level, count in ((0.25, CRUDE, 120), (0.6, CAREFUL, 80), (0.7, SUBTLE, 30)):
        at_ms = float(shop.moment(begins))
        ip = crew.homes(1)[0]
        liar = crew.account(crew.base, at_ms, ip)
        client = {**crew.client(ip, crew.base), "user": liar.user}
        trades.register(shop, dice, liar, client, at_ms, liar.mark)
        for number in range(shop.many(count, 8)):
            at_ms += dice.wait((20, 200, 3000)[level]) * SECOND_MS
            if level and number % 25 == 24:
                liar = crew.account(crew.base, at_ms, ip)
                client = {**client, "user": liar.user, "session": shop.make.name("s")}
                trades.register(shop, dice, liar, client, at_ms, liar.mark)
            talk = (
                "Pay half by bank transfer, write to me: deals@mail.example.net",
                "The platform is slow today. I can send you my own payment page.",
                "Hello, your parcel needs a small customs fee, see the page I send.",
            )[level]
            shop.diary.write(
                at_ms, liar.mark,
                {"type": "message.sent", **client, "audience": "buyer",
                 "recipient": shop.people.someone().user, "message": shop.make.name("msg"),
                 "recipients_count": 1, "text": talk, "has_link": level > CRUDE,
                 "links_count": int(level > CRUDE), "has_contact_info": level == CRUDE,
                 "asks_offsite_payment": level < SUBTLE},
            )  # fmt: skip
        label_at = at_ms + dice.between(1, 5) * DAY_MS
        trades.label(shop, label_at, "fraud", "customer_report", user=liar.user)
