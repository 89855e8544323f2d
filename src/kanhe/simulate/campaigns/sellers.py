"""Attacks by sellers, on sellers, and on the way of the goods."""

from __future__ import annotations

from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from kanhe.simulate import honest, trades
from kanhe.simulate.campaigns.crew import CAREFUL, CRUDE, SUBTLE, Crew
from kanhe.simulate.people import CATEGORIES, Merchant, Product
from kanhe.simulate.places import PLACES
from kanhe.simulate.trades import Manner, Order, Transport


def _honest_order(crew: Crew, seller: Merchant, thing: Product, at_ms: float) -> Order | None:
    """An honest buyer falls for the offer; what they do is honest and is marked so."""
    shop, dice = crew.shop, crew.dice
    buyer = shop.people.someone()
    client = shop.people.client(buyer, at_ms, dice)
    if client is None:
        return None
    manner = Manner(buyer.mark)
    order = trades.place_order(shop, dice, buyer, seller, [thing], client, at_ms, manner)
    if not honest.pay_patiently(shop, dice, order, at_ms, manner):
        return None
    return order


def empty_parcels(crew: Crew) -> None:
    """Ship a stone or nothing; the tracking number is real."""
    shop, dice = crew.shop, crew.dice
    for begins, level, count in ((0.15, CRUDE, 40), (0.4, CAREFUL, 40), (0.5, SUBTLE, 30)):
        place = dice.pick(PLACES)
        began = shop.moment(begins * 0.5)
        seller = shop.make.merchant(place, began, 5)
        seller.mark = crew.mark(seller.name)
        honest.apply_as_merchant(shop, dice, seller, began)
        for _ in range(shop.many(count, 6)):
            at_ms = shop.waking(
                shop.moment(begins + 0.25 * dice.random()) // DAY_MS * DAY_MS, place, dice
            )
            order = _honest_order(crew, seller, dice.pick(seller.products), at_ms)
            if order is None:
                continue
            # The subtle one cheats every third buyer only, and puts something in.
            cheated = level < SUBTLE or dice.chance(0.35)
            weight = (0.05, 0.12, 0.6)[level] if cheated else 1.0
            packed = at_ms + dice.between(4, 30) * HOUR_MS
            trades.capture(shop, order, packed, seller.mark)
            done = trades.ship(
                shop, dice, order, packed, Transport(seller.mark, weight=weight, lost=0)
            )
            if cheated and dice.chance(0.75):
                buyer = order.buyer
                client = {k: v for k, v in order.client.items() if k != "session"}
                trades.refund(
                    shop, dice, order, done + dice.between(1, 40) * HOUR_MS, buyer.mark, client,
                    "empty_parcel", returned=False,
                )  # fmt: skip
                if dice.chance(0.5):
                    trades.complain(
                        shop,
                        dice,
                        order,
                        done + 2 * DAY_MS,
                        buyer.mark,
                        "not_as_described",
                        upheld=0.9,
                    )


def merchant_bust_out(crew: Crew) -> None:
    """Behave for a while, then sell at half price what will never be sent, cash out and vanish."""
    shop, dice = crew.shop, crew.dice
    for begins, level in ((0.5, CRUDE), (0.62, SUBTLE)):
        place = crew.base if level == CRUDE else dice.pick(PLACES[:4])
        began = shop.moment(0.05)
        seller = shop.make.merchant(place, began, 6)
        seller.mark = crew.mark(seller.name)
        honest.apply_as_merchant(shop, dice, seller, began)
        quiet = shop.many(18, 4)
        for _ in range(quiet):
            at_ms = shop.moment(0.1 + (begins - 0.12) * dice.random())
            order = _honest_order(crew, seller, dice.pick(seller.products), at_ms)
            if order:
                honest.fulfil(shop, dice, order, at_ms)
        burst = shop.moment(begins)
        client = honest.merchant_client(shop, seller)
        baits = []
        for _ in range(6 if level == CRUDE else 3):
            bait = shop.make.product(CATEGORIES[6])
            bait.cents = int(bait.cents * (0.45 if level == CRUDE else 0.75))
            baits.append(bait)
            shop.diary.write(
                burst + dice.between(0, 2) * HOUR_MS, seller.mark,
                {"type": "listing.created", **client, "merchant": seller.name, "product": bait.name,
                 "category": bait.category, "amount_minor": int(bait.cents * place.minor_per_cent),
                 "currency": place.currency, "stock": 500, "merchant_country": place.code},
            )  # fmt: skip
        _cash_in(crew, seller, baits, burst, level)


def _cash_in(crew: Crew, seller: Merchant, baits: list[Product], burst: float, level: int) -> None:
    shop, dice = crew.shop, crew.dice
    client = honest.merchant_client(shop, seller)
    seller.bank_account = shop.make.name("iban")
    for day in range(5):
        earned = 0
        for _ in range(shop.many(16, 3)):
            at_ms = burst + (day + 0.15 + 0.8 * dice.random()) * DAY_MS
            order = _honest_order(crew, seller, dice.pick(baits), at_ms)
            if order is None:
                continue
            earned += order.cents
            packed = at_ms + HOUR_MS
            trades.capture(shop, order, packed, seller.mark)
            trades.ship(
                shop, dice, order, packed + HOUR_MS,
                Transport(seller.mark, carried=seller.mark, weight=0.05, delivered=False,
                          scans=0 if level == CRUDE else 1),
            )  # fmt: skip
            late = at_ms + dice.between(6, 11) * DAY_MS
            if dice.chance(0.6):
                trades.complain(
                    shop, dice, order, late, order.buyer.mark, "not_received", upheld=0.95
                )
            trades.charge_back(
                shop, dice, order, late + dice.between(1, 9) * DAY_MS, "not_received"
            )
        honest.pay_out(
            shop, dice, seller, client, burst + (day + 1) * DAY_MS, max(earned, 5000), seller.mark,
            is_instant=True, is_new_destination=day == 0, mfa_used=True, names_match=level != CRUDE,
        )  # fmt: skip


def payout_fraud(crew: Crew) -> None:
    """Take over an honest merchant's account and send its earnings elsewhere."""
    shop, dice = crew.shop, crew.dice
    for number in range(shop.many(9, 3)):
        level = (CRUDE, CAREFUL, SUBTLE)[number % 3]
        victim = dice.pick(shop.people.merchants)
        mark = crew.mark(victim.name)
        at_ms = float(shop.moment(0.25 + 0.6 * dice.random()))
        place = victim.place if level else crew.base
        ip = crew.homes(1, place)[0] if level else crew.servers(1)[0]
        client = {**crew.client(ip, place), "user": victim.user}
        if level == CRUDE:
            client["is_vpn"] = True
        at_ms = trades.sign_in(
            shop, dice, client, at_ms, mark, mistakes=dice.below((6, 3, 1)[level]), new_device=True
        )
        mule = shop.make.name("iban")
        where = {k: v for k, v in client.items() if k != "session"}
        shop.diary.write(
            at_ms + 3 * MINUTE_MS, mark,
            {"type": "account.profile_changed", **where, "merchant": victim.name,
             "changed": "bank_account", "bank_account": mule, "names_match": level == SUBTLE,
             "bank_country": place.code, "is_new_device": True},
        )  # fmt: skip
        at_ms += (8 * MINUTE_MS, 7 * HOUR_MS, 4 * DAY_MS)[level]
        stolen = max(victim.balance, dice.whole(60_000, 400_000))
        for _ in range((1, 2, 3)[level]):
            honest.pay_out(
                shop, dice, victim, where, at_ms, stolen // (1, 2, 3)[level], mark,
                bank_account=mule, bank_country=place.code, is_instant=True, is_new_destination=True,
                names_match=level == SUBTLE, mfa_used=False,
            )  # fmt: skip
            at_ms += dice.between(3, 20) * HOUR_MS
        trades.label(
            shop, at_ms + dice.between(2, 6) * DAY_MS, "fraud", "merchant_report",
            merchant=victim.name, user=victim.user, device=client["device"],
        )  # fmt: skip


def courier_anomaly(crew: Crew) -> None:
    """A courier keeps what is worth keeping and reports it as delivered."""
    shop, dice = crew.shop, crew.dice
    for begins, level, count in ((0.2, CRUDE, 45), (0.5, SUBTLE, 35)):
        city = dice.pick([city for place in PLACES[:5] for city in place.cities])
        courier = shop.people.courier(dice, city[0])
        mark = crew.mark(courier.name)
        at_ms = float(shop.moment(begins))
        for number in range(shop.many(count, 8)):
            buyer = shop.people.someone()
            seller = shop.people.seller(dice)
            client = shop.people.client(buyer, at_ms, dice)
            if client is None:
                continue
            manner = Manner(buyer.mark)
            thing = dice.pick(seller.products)
            order = trades.place_order(shop, dice, buyer, seller, [thing], client, at_ms, manner)
            if not honest.pay_patiently(shop, dice, order, at_ms, manner):
                continue
            batch = _burst_hour(at_ms, number)
            stolen = level == CRUDE or dice.chance(0.4)
            handing = {
                "handed_to": "doorstep", "photo_taken": not stolen, "code_confirmed": False,
                "distance_m": int(dice.around(4200 if level == CRUDE else 600, 0.5)) if stolen else 30,
                "lat": city[1] + 0.031, "lon": city[2] - 0.044,
            }  # fmt: skip
            trades.ship(
                shop, dice, order, batch,
                Transport(seller.mark, carried=mark, lost=0, handing=handing if stolen else {},
                          courier=courier),
            )  # fmt: skip
            if stolen and dice.chance(0.8):
                missed = batch + dice.between(5, 11) * DAY_MS
                trades.complain(shop, dice, order, missed, buyer.mark, "not_received", upheld=0.6)
            at_ms += dice.between(2, 16) * HOUR_MS / shop.size**0.5


def _burst_hour(at_ms: float, number: int) -> float:
    """Parcels leave the merchant in batches of ten, so that the courier has many at once."""
    return at_ms + (10 - number % 10) * HOUR_MS


def counterfeit_labels(crew: Crew) -> None:
    """One genuine label is copied onto a thousand fakes; buyers all over the world scan it."""
    shop, dice = crew.shop, crew.dice
    for begins, level, count in ((0.2, CRUDE, 90), (0.45, CAREFUL, 70)):
        seller = dice.pick(shop.people.merchants)
        fake = shop.make.product(("fashion", 3900, 500))
        labels = [shop.make.name("lb") for _ in range((1, 12)[level])]
        at_ms = float(shop.moment(begins))
        for number in range(shop.many(count, 10)):
            at_ms += dice.wait((0.8, 3)[level]) * HOUR_MS
            place = dice.pick(PLACES)
            city = dice.pick(place.cities)
            first = number < len(labels)
            label = labels[number] if first else dice.pick(labels)
            shop.diary.write(
                at_ms, crew.mark(label),
                {"type": "label.scanned", "label": label, "product": fake.name,
                 "merchant": seller.name, "label_result": "genuine" if first else "already_used",
                 "scanned_by": "consumer", "is_first_scan": first, "lat": city[1], "lon": city[2],
                 "scan_country": place.code, "device": shop.make.name("d")},
            )  # fmt: skip
