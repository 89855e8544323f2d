"""Attacks on accounts: trying passwords, taking over, making up."""

from __future__ import annotations

from typing import Any

from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from kanhe.simulate import trades
from kanhe.simulate.campaigns.crew import CAREFUL, CRUDE, SUBTLE, Crew
from kanhe.simulate.people import CATEGORIES, Buyer
from kanhe.simulate.places import PLACES
from kanhe.simulate.trades import STOLEN_DECLINES, Manner


def credential_stuffing(crew: Crew) -> None:
    """Passwords leaked elsewhere are tried here; about one in a hundred fits."""
    shop, dice = crew.shop, crew.dice
    for begins, level, count, spacing_s in (
        (0.15, CRUDE, 1100, 2.0),
        (0.40, CAREFUL, 600, 40.0),
        (0.72, SUBTLE, 150, 900.0),
    ):
        at_ms = float(shop.moment(begins))
        places = [crew.base, *dice.some(PLACES, 4)]
        sources = [
            (ip, place, shop.make.name("d"))
            for place in places
            for ip in (crew.servers(2) if level == CRUDE else crew.homes(30, place))
        ]
        for _ in range(shop.many(count, 40)):
            at_ms += dice.wait(spacing_s) * SECOND_MS
            ip, place, device = dice.pick(sources)
            client = crew.client(
                ip, place, device=device if level else sources[0][2], robot=level == CRUDE,
                **({"is_hosting": True} if level == CRUDE else {}),
            )  # fmt: skip
            _try_password(crew, client, at_ms, known=(0.5, 0.7, 0.95)[level])


def _try_password(crew: Crew, client: dict[str, Any], at_ms: float, known: float) -> None:
    shop, dice = crew.shop, crew.dice
    victim = dice.pick(shop.people.buyers)
    mark = crew.mark(client["ip"])
    if dice.chance(known):
        named = {"user": victim.user, "email": victim.email}
        failure = "wrong_password"
    else:
        named = {"email": f"leaked-{dice.below(10**7)}@example.net"}
        failure = "unknown_account"
    if "user" in named and not victim.mfa and dice.chance(0.012):
        trades.sign_in(shop, dice, {**client, "user": victim.user}, at_ms, mark, new_device=True)
        return
    where = {key: value for key, value in client.items() if key != "session"}
    shop.diary.write(
        at_ms, mark,
        {"type": "account.login_failed", **where, **named, "login_method": "password",
         "login_failure": failure, "attempt_no": 1},
    )  # fmt: skip


def account_takeover(crew: Crew) -> None:
    """Sign in as somebody else, lock them out, and spend what is stored with the account."""
    shop, dice = crew.shop, crew.dice
    for number in range(shop.many(30, 5)):
        level = (CRUDE, CAREFUL, SUBTLE)[number % 3]
        victim = dice.pick(shop.people.buyers)
        at_ms = float(shop.moment(0.2 + 0.65 * dice.random()))
        place = victim.place if level else crew.base
        ip = crew.homes(1, place)[0] if level else crew.servers(1)[0]
        client = {**crew.client(ip, place), "user": victim.user}
        if level == SUBTLE:
            # Stolen together with the cookie: the shop sees the victim's own device.
            _, client["lat"], client["lon"] = victim.city
            if dice.chance(0.4):
                client["device"] = victim.devices[0].name
        mark = crew.mark(victim.user)
        new = client["device"] != victim.devices[0].name
        at_ms = trades.sign_in(
            shop, dice, client, at_ms, mark, mistakes=dice.below((5, 3, 1)[level]), new_device=new
        )
        at_ms = _lock_out(crew, level, victim, client, at_ms, mark)
        _spend(crew, level, victim, client, at_ms, mark)


def _lock_out(
    crew: Crew, level: int, victim: Buyer, client: dict[str, Any], at_ms: float, mark: Any
) -> float:
    shop, dice = crew.shop, crew.dice
    where = {key: value for key, value in client.items() if key != "session"}
    if level == SUBTLE:
        return at_ms + dice.between(2, 48) * HOUR_MS
    at_ms += dice.between(20, 400) * SECOND_MS
    shop.diary.write(
        at_ms, mark,
        {"type": "account.password_changed", **where, "password_method": "reset_link",
         "is_new_device": True},
    )  # fmt: skip
    changes = ("email", "phone", "address") if level == CRUDE else ("address",)
    for changed in changes:
        at_ms += dice.between(20, 300) * SECOND_MS
        value = {
            "email": f"box-{dice.below(10**6)}@mail.example.net", "phone": f"+15550{dice.below(10**6):06d}",
            "address": shop.make.name("a"),
        }[changed]  # fmt: skip
        shop.diary.write(
            at_ms, mark,
            {"type": "account.profile_changed", **where, "changed": changed, changed: value},
        )  # fmt: skip
    return at_ms + dice.between(1, 30) * MINUTE_MS


def _spend(
    crew: Crew, level: int, victim: Buyer, client: dict[str, Any], at_ms: float, mark: Any
) -> None:
    shop, dice = crew.shop, crew.dice
    drop = shop.make.name("a")
    for _ in range(dice.whole(1, (4, 3, 2)[level])):
        goods = shop.make.product(CATEGORIES[-1] if dice.chance(0.6) else CATEGORIES[6])
        manner = Manner(
            mark, declined=0.15, reasons=STOLEN_DECLINES, fill_ms=(8000, 15_000, 35_000)[level],
            extra={"address": drop} if goods.weight_g else {},
        )  # fmt: skip
        seller = shop.people.seller(dice)
        order = trades.place_order(shop, dice, victim, seller, [goods], client, at_ms, manner)
        if trades.pay(shop, dice, order, victim.cards[0], at_ms + 25 * SECOND_MS, manner, 1, True):
            noticed = at_ms + dice.between(0.3, 6) * DAY_MS
            trades.complain(shop, dice, order, noticed, victim.mark, "fraud", upheld=0.95)
            trades.charge_back(shop, dice, order, noticed + dice.between(3, 12) * DAY_MS, "fraud")
        at_ms += dice.between(2, 90) * MINUTE_MS


def fake_signups_bonus(crew: Crew) -> None:
    """Hundreds of invented people collect the bonus for new customers and for inviting them."""
    shop, dice = crew.shop, crew.dice
    place = dice.pick(PLACES[:6])
    for begins, level, count, spacing_s in (
        (0.12, CRUDE, 170, 45.0),
        (0.5, CAREFUL, 110, 600.0),
        (0.75, SUBTLE, 40, 5400.0),
    ):
        at_ms = float(shop.moment(begins))
        boss = crew.account(place, at_ms, crew.homes(1, place)[0])
        devices = [shop.make.name("d") for _ in range((4, 25, 40)[level])]
        sources = crew.servers(3) if level == CRUDE else crew.homes((0, 15, 40)[level], place)
        cards = [shop.make.card(place) for _ in range((2, 8, 25)[level])]
        for number in range(shop.many(count, 12)):
            at_ms += dice.wait(spacing_s) * SECOND_MS
            ip = dice.pick(sources)
            fake = crew.account(place, at_ms, ip, f"a-bonus-{dice.below((3, 12, 30)[level])}")
            client = {
                **crew.client(ip, place, device=dice.pick(devices), channel="app"), "user": fake.user,
            }  # fmt: skip
            if level == CRUDE:
                client["is_emulator"] = dice.chance(0.6)
                fake.email = f"x{number}{dice.below(10**6)}@mailinator.com"
            trades.register(
                shop, dice, fake, client, at_ms, fake.mark, referrer_user=boss.user, promo="welcome",
                email_verified=level > CRUDE, is_disposable_email=level == CRUDE and dice.chance(0.7),
                fill_ms=int(dice.around((1500, 9000, 40_000)[level], 0.4)),
            )  # fmt: skip
            if dice.chance(0.55):
                _collect(crew, level, fake, client, at_ms + dice.between(1, 20) * MINUTE_MS, cards)


def _collect(
    crew: Crew, level: int, fake: Buyer, client: dict[str, Any], at_ms: float, cards: list[Any]
) -> None:
    shop, dice = crew.shop, crew.dice
    seller = shop.people.seller(dice)
    thing = min(seller.products, key=lambda product: product.cents)
    discount = int(min(1500, thing.cents * 0.9) * fake.place.minor_per_cent)
    manner = Manner(
        fake.mark, fill_ms=(3000, 12_000, 40_000)[level],
        extra={"coupon": "WELCOME15", "discount_minor": discount},
    )  # fmt: skip
    order = trades.place_order(shop, dice, fake, seller, [thing], client, at_ms, manner, factor=0.4)
    if trades.pay(shop, dice, order, dice.pick(cards), at_ms + 15 * SECOND_MS, manner):
        trades.ship(shop, dice, order, at_ms + DAY_MS, trades.Transport(seller.mark))
        if dice.chance(0.3):
            trades.label(
                shop, at_ms + dice.between(3, 12) * DAY_MS, "abuse", "manual_review", user=fake.user,
                device=client["device"], subject_event=order.attempt, subject_at_ms=order.attempt_ms,
            )  # fmt: skip


def request_flood(crew: Crew) -> None:
    """First a flood that wants to be noticed, then scraping that does not."""
    shop, dice = crew.shop, crew.dice
    for begins, level, count, spacing_s in (
        (0.35, CRUDE, 500, 1.5),
        (0.55, CAREFUL, 300, 60.0),
        (0.8, SUBTLE, 160, 420.0),
    ):
        at_ms = float(shop.moment(begins))
        sources = crew.servers(25) if level == CRUDE else crew.homes((0, 40, 120)[level])
        for _ in range(shop.many(count, 30)):
            at_ms += dice.wait(spacing_s) * SECOND_MS
            client = crew.client(dice.pick(sources), crew.base, robot=level == CRUDE)
            requests = int(dice.around((2500, 300, 60)[level], 0.6))
            extra = {"is_hosting": True} if level == CRUDE else {}
            trades.open_session(
                shop, dice, client, at_ms, crew.mark(client["ip"]), request_count=requests,
                pages_viewed=int(requests * (0.05, 0.8, 0.9)[level]),
                bot_score=min(99, int(dice.around((70, 35, 15)[level], 0.3))), **extra,
            )  # fmt: skip
