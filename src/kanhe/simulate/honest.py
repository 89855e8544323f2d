"""Honest life: buyers who come, forget passwords, travel, give presents, return things; and the people
who serve them.

Honest life is not smooth. Cards are declined, families share a tablet, an office shares an address, a
few come through a VPN, parcels are lost, a sale brings a crowd. A security platform has to leave all of
them alone, and what it fails to leave alone is counted as a false alarm.
"""

from __future__ import annotations

from typing import Any

from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from kanhe.simulate import trades
from kanhe.simulate.chance import Dice
from kanhe.simulate.diary import PLATFORM, Mark
from kanhe.simulate.people import Buyer, Merchant, Staff
from kanhe.simulate.places import PLACES
from kanhe.simulate.shop import Shop
from kanhe.simulate.trades import Client, Manner, Order, Transport

EVENTS_PER_JOURNEY = 7.15
"""How many events one journey makes on average, its later life included; measured, and only used to
choose how many journeys a day has."""


def opening(shop: Shop) -> None:
    """What the shop knew before it was connected: accounts and merchants, with their true dates."""
    dice = shop.dice.split("opening")
    for buyer in shop.people.buyers:
        _sign_up(shop, dice, buyer, buyer.created_ms)
    for merchant in shop.people.merchants:
        apply_as_merchant(shop, dice, merchant, merchant.created_ms)


def _sign_up(shop: Shop, dice: Dice, buyer: Buyer, at_ms: float) -> Client:
    device = buyer.devices[0]
    client = {
        "user": buyer.user, "device": device.name, "ip": buyer.home_ip,
        "channel": "app" if device.mobile else "web", "ip_country": buyer.place.code,
        "user_agent": device.user_agent,
    }  # fmt: skip
    trades.register(shop, dice, buyer, client, at_ms, buyer.mark)
    buyer.logged_in.add(device.name)
    return client


def apply_as_merchant(shop: Shop, dice: Dice, merchant: Merchant, at_ms: float) -> None:
    """Write the application of a merchant."""
    shop.diary.write(
        at_ms, merchant.mark,
        {"type": "merchant.applied", "merchant": merchant.name, "user": merchant.user,
         "ip": merchant.ip, "device": merchant.device.name, "merchant_kind": "company",
         "merchant_country": merchant.place.code, "licence_ids": [f"lic-{merchant.name}"],
         "owners": [f"own-{merchant.name}"], "business_days": 90 + dice.below(4000),
         "licence_days_left": 100 + dice.below(2000), "bank_account": merchant.bank_account,
         "bank_country": merchant.place.code, "kyc_passed": True, "documents_match": True,
         "names_match": True},
    )  # fmt: skip


def live_day(shop: Shop, dice: Dice, day_ms: int, journeys: int) -> None:
    """Everything honest that begins on one day."""
    for _ in range(journeys):
        journey(shop, dice, day_ms)
    for merchant in shop.people.merchants:
        merchant_day(shop, dice, merchant, day_ms)
    weekday = (day_ms // DAY_MS + 3) % 7
    for member in shop.people.staff:
        if weekday < 5 or dice.chance(0.25):
            staff_day(shop, dice, member, day_ms)
    security_noise(shop, dice, day_ms)


def journey(shop: Shop, dice: Dice, day_ms: int) -> None:
    """One visit of one buyer, with everything that follows from it."""
    luck = dice.random()
    if luck < 0.035:
        newcomers(shop, dice, day_ms)
        return
    buyer = shop.people.someone()
    at_ms = shop.waking(day_ms, buyer.place, dice)
    client = shop.people.client(buyer, at_ms, dice)
    if client is None:
        return
    if luck < 0.53:
        purchase(shop, dice, buyer, client, at_ms)
    elif luck < 0.96:
        browse(shop, dice, buyer, client, at_ms)
    else:
        tidy_account(shop, dice, buyer, client, at_ms)


def newcomers(shop: Shop, dice: Dice, day_ms: int) -> None:
    """A household joins; the one who signs up first usually buys at once."""
    place = dice.pick(shop.make.weighted)
    for buyer in shop.make.household(place, day_ms)[:1]:
        at_ms = shop.waking(day_ms, place, dice)
        buyer.created_ms = int(at_ms)
        shop.people.settle(buyer)
        client = shop.people.client(buyer, at_ms, dice)
        if client is None:
            return
        trades.open_session(shop, dice, client, at_ms, buyer.mark)
        coupon = {"promo": "welcome"} if dice.chance(0.3) else {}
        trades.register(
            shop, dice, buyer, client, at_ms + 2 * MINUTE_MS, buyer.mark,
            email_verified=dice.chance(0.8), is_disposable_email=dice.chance(0.015), **coupon,
        )  # fmt: skip
        buyer.logged_in.add(client["device"])
        if dice.chance(0.65):
            buy(shop, dice, buyer, client, at_ms + 4 * MINUTE_MS)


def arrive(
    shop: Shop, dice: Dice, buyer: Buyer, client: Client, at_ms: float, often: float
) -> float:
    """Open the shop and, if not still signed in, sign in; returns the time after."""
    trades.open_session(shop, dice, client, at_ms, buyer.mark)
    at_ms += dice.between(5, 60) * SECOND_MS
    new = client["device"] not in buyer.logged_in
    if new or dice.random() < often:
        buyer.logged_in.add(client["device"])
        mistakes = 0
        while dice.random() < buyer.forgetful * 2 and mistakes < 6:
            mistakes += 1
        method = "password"
        if not mistakes and dice.random() < 0.25:
            method = "passkey" if client["channel"] == "app" else "social"
        at_ms = trades.sign_in(
            shop, dice, client, at_ms, buyer.mark, mistakes=mistakes, new_device=new, method=method,
            mfa=buyer.mfa or (new and dice.chance(0.3)),
        )  # fmt: skip
        if mistakes >= 3 and dice.chance(0.7):
            shop.diary.write(
                at_ms, buyer.mark,
                {"type": "account.password_changed", **client, "password_method": "reset_link"},
            )  # fmt: skip
            at_ms += 40 * SECOND_MS
    return at_ms


def browse(shop: Shop, dice: Dice, buyer: Buyer, client: Client, at_ms: float) -> None:
    """Look around, perhaps ask something, perhaps fill a cart and leave it."""
    at_ms = arrive(shop, dice, buyer, client, at_ms, 0.3)
    merchant = shop.people.seller(dice)
    if dice.chance(0.55):
        at_ms = trades.fill_cart(
            shop, dice, client, trades.basket(shop, dice, buyer, merchant), at_ms, buyer.mark,
            rate=buyer.place.minor_per_cent, currency=buyer.place.currency,
        )  # fmt: skip
    if dice.chance(0.06):
        shop.diary.write(
            at_ms, buyer.mark,
            {"type": "message.sent", **client, "merchant": merchant.name, "audience": "merchant",
             "recipient": merchant.user, "message": shop.make.name("msg"), "recipients_count": 1,
             "text": dice.pick(("When do you ship?", "Is it in stock?", "Which size fits?")),
             "has_link": False, "has_contact_info": dice.chance(0.03)},
        )  # fmt: skip


def tidy_account(shop: Shop, dice: Dice, buyer: Buyer, client: Client, at_ms: float) -> None:
    """Change a password, move house, get a new telephone number or a new card."""
    at_ms = arrive(shop, dice, buyer, client, at_ms, 0.8)
    if dice.chance(0.3):
        shop.diary.write(
            at_ms, buyer.mark,
            {"type": "account.password_changed", **client, "password_method": "old_password",
             "mfa_used": buyer.mfa},
        )  # fmt: skip
        return
    changed = dice.pick(("address", "phone", "email", "preferences", "second_factor"))
    body = {"type": "account.profile_changed", **client, "changed": changed, "mfa_used": buyer.mfa}
    if changed == "address":
        buyer.address = body["address"] = shop.make.name("a")
        body["shipping_country"] = buyer.place.code
    elif changed == "phone":
        buyer.phone = body["phone"] = shop.make.telephone(buyer.place)
    elif changed == "email":
        buyer.email = body["email"] = shop.make.mailbox(buyer.place)
    elif changed == "second_factor":
        buyer.mfa = True
    else:
        buyer.cards.append(shop.make.card(buyer.place))
    shop.diary.write(at_ms, buyer.mark, body)


def purchase(shop: Shop, dice: Dice, buyer: Buyer, client: Client, at_ms: float) -> None:
    """Come, choose, pay, and live with what was bought."""
    at_ms = arrive(shop, dice, buyer, client, at_ms, 0.45)
    buy(shop, dice, buyer, client, at_ms)


def buy(shop: Shop, dice: Dice, buyer: Buyer, client: Client, at_ms: float) -> None:
    """Fill a cart, order, pay, and what follows."""
    merchant = shop.people.seller(dice)
    products = trades.basket(shop, dice, buyer, merchant)
    at_ms = trades.fill_cart(
        shop, dice, client, products[:3], at_ms, buyer.mark,
        rate=buyer.place.minor_per_cent, currency=buyer.place.currency,
    )  # fmt: skip
    manner = Manner(buyer.mark, guest=buyer.orders == 0 and dice.chance(0.15))
    factor = 1.0
    if int(at_ms - shop.start_ms) // DAY_MS in shop.sales and dice.chance(0.6):
        factor = 0.8
        manner.extra = {"coupon": "SALE20", "discount_minor": int(200 * buyer.place.minor_per_cent)}
    if dice.chance(0.25 if buyer.gift_giver else 0.02):
        # A present goes to somebody else, sometimes abroad.
        there = dice.pick(PLACES) if dice.chance(0.2) else buyer.place
        manner.extra = {
            "is_gift": True, "address": f"a-gift-{1 + dice.below(2)}-{buyer.user}",
            "shipping_country": there.code, **_order_only(manner.extra),
        }  # fmt: skip
    if (
        "is_gift" not in manner.extra
        and client["ip_country"] != buyer.place.code
        and dice.chance(0.2)
    ):
        manner.extra = {**manner.extra, "is_express": True}
    order = trades.place_order(
        shop, dice, buyer, merchant, products, client, at_ms, manner, factor=factor
    )
    if pay_patiently(shop, dice, order, at_ms, manner):
        fulfil(shop, dice, order, at_ms)


def _order_only(extra: dict[str, object]) -> dict[str, object]:
    return {key: extra[key] for key in ("coupon", "discount_minor") if key in extra}


def pay_patiently(shop: Shop, dice: Dice, order: Order, at_ms: float, manner: Manner) -> bool:
    """Pay; if declined, mostly try again, with the same card or another one."""
    buyer = order.buyer
    card = buyer.cards[0] if dice.random() < 0.85 else dice.pick(buyer.cards)
    saved = buyer.orders > 1 and dice.random() < 0.7
    for attempt in range(1, 5):
        at_ms += dice.between(8, 50) * SECOND_MS
        if trades.pay(shop, dice, order, card, at_ms, manner, attempt, saved):
            return True
        if dice.chance(0.2):
            return False
        # The second try mostly goes right: the code is typed with care, or another card is used.
        manner.declined = 0.3
        if dice.chance(0.4):
            card, saved = dice.pick(buyer.cards), False
    return False


def fulfil(shop: Shop, dice: Dice, order: Order, at_ms: float) -> None:
    """From the merchant's bench to the doorstep, and what the buyer makes of it."""
    merchant, buyer = order.merchant, order.buyer
    if dice.random() < 0.025:
        by = dice.pick(("buyer", "buyer", "merchant"))
        shop.diary.write(
            at_ms + dice.between(0.2, 20) * HOUR_MS, buyer.mark if by == "buyer" else merchant.mark,
            {"type": "order.cancelled", **order.names(), "cancelled_by": by,
             "cancel_reason": "changed_mind" if by == "buyer" else "out_of_stock",
             "amount_minor": order.amount_minor, "currency": order.currency},
        )  # fmt: skip
        return
    packed = at_ms + dice.around(merchant.packing_h, 0.5) * HOUR_MS
    trades.capture(shop, order, packed, merchant.mark)
    if order.digital:
        done = packed
    else:
        done = trades.ship(shop, dice, order, packed, Transport(merchant.mark))
    aftermath(shop, dice, order, done, packed)


def aftermath(shop: Shop, dice: Dice, order: Order, done: float, packed: float) -> None:
    """Reviews, returns, complaints, and once in a while an honest dispute with the bank."""
    buyer = order.buyer
    at_ms = (
        done + dice.wait(1.5) * DAY_MS + HOUR_MS if done else packed + dice.between(9, 14) * DAY_MS
    )
    client = {key: value for key, value in order.client.items() if key != "session"}
    luck = dice.random()
    if not done:
        trades.complain(shop, dice, order, at_ms, buyer.mark, "not_received", upheld=0.9)
        trades.refund(
            shop, dice, order, at_ms + HOUR_MS, buyer.mark, client, "not_received", returned=False
        )
    elif luck < 0.12:
        trades.review(shop, dice, order, at_ms, buyer.mark, client)
    elif luck < 0.12 + buyer.returns:
        reason = dice.pick(
            ("changed_mind", "changed_mind", "damaged", "not_as_described", "wrong_item")
        )
        trades.refund(
            shop, dice, order, at_ms, buyer.mark, client, reason, returned=dice.chance(0.85)
        )
    elif luck < 0.19:
        if dice.chance(0.12):
            trades.complain(shop, dice, order, at_ms, buyer.mark, "not_as_described", upheld=0.5)
        elif dice.chance(0.08):
            # They did not recognise the line on the statement.
            trades.charge_back(
                shop, dice, order, at_ms + dice.between(4, 15) * DAY_MS, "fraud",
                mark=PLATFORM, verdict="legitimate",
            )  # fmt: skip
    if done and dice.random() < 0.02:
        scanner = {key: value for key, value in client.items() if key != "utc_offset_minutes"}
        shop.diary.write(
            done + dice.between(1, 40) * HOUR_MS, buyer.mark,
            {"type": "label.scanned", **scanner, "label": shop.make.name("lb"),
             "product": order.products[0].name, "merchant": order.merchant.name,
             "label_result": "genuine", "scanned_by": "consumer", "is_first_scan": True,
             "scan_country": buyer.place.code},
        )  # fmt: skip


def merchant_client(shop: Shop, merchant: Merchant) -> Client:
    """What the shop sees of a merchant at work."""
    return {
        "user": merchant.user, "device": merchant.device.name, "ip": merchant.ip,
        "channel": "web", "ip_country": merchant.place.code, "user_agent": merchant.device.user_agent,
        "utc_offset_minutes": merchant.place.offset_min, "lat": merchant.city[1],
        "lon": merchant.city[2],
    }  # fmt: skip


def merchant_day(shop: Shop, dice: Dice, merchant: Merchant, day_ms: int) -> None:
    """Sign in, mind the listings, and once a week have the earnings paid out."""
    if not dice.chance(0.35):
        return
    mark = merchant.mark
    at_ms = shop.working(day_ms, merchant.place, dice)
    client = merchant_client(shop, merchant)
    at_ms = trades.sign_in(
        shop, dice, {**client, "account_kind": "seller"}, at_ms, mark,
        mistakes=int(dice.chance(0.05)), mfa=dice.chance(0.5),
    )  # fmt: skip
    if dice.chance(0.5):
        new = dice.chance(0.3)
        product = dice.pick(merchant.products)
        before = product.cents
        if new:
            product = shop.make.product((product.category, product.cents, product.weight_g))
            merchant.products.append(product)
        elif dice.chance(0.5):
            product.cents = max(100, int(product.cents * dice.between(0.85, 1.12)))
        rate = merchant.place.minor_per_cent
        body = {
            "type": "listing.created" if new else "listing.changed", **client,
            "merchant": merchant.name, "product": product.name, "category": product.category,
            "amount_minor": int(product.cents * rate), "currency": merchant.place.currency,
            "stock": dice.below(400), "merchant_country": merchant.place.code,
        }  # fmt: skip
        if not new:
            body["changed"] = "price" if product.cents != before else "stock"
            body["price_before_minor"] = int(before * rate)
        shop.diary.write(at_ms + dice.between(1, 30) * MINUTE_MS, mark, body)
    if merchant.balance > 2000 and dice.chance(0.4):
        earned, merchant.balance = merchant.balance, 0
        pay_out(shop, dice, merchant, client, at_ms + 40 * MINUTE_MS, earned)


def pay_out(
    shop: Shop, dice: Dice, merchant: Merchant, client: Client, at_ms: float, cents: int,
    mark: Mark | None = None, **extra: Any,
) -> None:  # fmt: skip
    """Write `payout.requested`, unless told otherwise to the account the merchant always used."""
    rate = merchant.place.minor_per_cent
    shop.diary.write(
        at_ms, mark or merchant.mark,
        {"type": "payout.requested", **client, "merchant": merchant.name,
         "payout": shop.make.name("po"), "amount_minor": int(cents * rate * 0.92),
         "currency": merchant.place.currency, "payout_method": "bank_transfer",
         "bank_account": merchant.bank_account, "bank_country": merchant.place.code,
         "balance_minor": 0, "is_instant": dice.chance(0.1), "is_new_destination": False,
         "names_match": True, "mfa_used": dice.chance(0.6), "merchant_country": merchant.place.code,
         **extra},
    )  # fmt: skip


_WORK = {
    "support": (("viewed", "customer", 1), ("viewed", "order", 1), ("searched", "customer", 3),
                ("changed", "order", 1), ("viewed", "message", 2), ("unmasked", "address", 1)),
    "finance": (("viewed", "payment", 20), ("approved", "payout", 1), ("viewed", "payout", 15),
                ("refunded", "payment", 1)),
    "risk": (("viewed", "account", 4), ("viewed", "payment", 10), ("listed", "list", 1),
             ("rejected", "order", 1), ("unmasked", "customer", 1)),
    "catalogue": (("viewed", "merchant", 8), ("changed", "merchant", 1), ("approved", "merchant", 1)),
}  # fmt: skip


def staff_client(member: Staff) -> Client:
    """What is seen of an employee at their desk."""
    return {
        "staff": member.name, "staff_role": member.role, "device": member.device.name,
        "ip": member.ip, "ip_country": "DE", "mfa_used": True,
    }  # fmt: skip


def staff_day(shop: Shop, dice: Dice, member: Staff, day_ms: int) -> None:
    """Sign in and work through tickets; on Mondays finance exports last week's payouts."""
    client = staff_client(member)
    began = shop.working(day_ms, PLACES[0], dice)
    shop.diary.write(
        began, member.mark,
        {"type": "staff.action", **client, "staff_action": "signed_in", "resource": "system"},
    )  # fmt: skip
    for _ in range(3 + dice.below(8)):
        action, resource, records = dice.pick(_WORK[member.role])
        body = {
            "type": "staff.action", **client, "staff_action": action, "resource": resource,
            "record_count": 1 + dice.below(2 * records), "is_own_record": False,
        }  # fmt: skip
        if dice.chance(0.8):
            body["ticket"] = shop.make.name("t")
        if resource in ("customer", "account", "address", "message"):
            body["user"] = shop.people.someone().user
        shop.diary.write(shop.working(day_ms, PLACES[0], dice), member.mark, body)
    if member.role == "finance" and (day_ms // DAY_MS + 3) % 7 == 0:
        shop.diary.write(
            shop.working(day_ms, PLACES[0], dice), member.mark,
            {"type": "staff.action", **client, "staff_action": "exported", "resource": "payment",
             "record_count": 300 + dice.below(900), "ticket": shop.make.name("t")},
        )  # fmt: skip


_NOISE = (
    ("edge-waf", "waf", "low", "Path traversal probe"), ("mail-gate", "mail", "low", "Spam held back"),
    ("host-agent", "endpoint", "info", "Signature update late"),
    ("weekly-scan", "scanner", "medium", "Outdated library"), ("edge-waf", "waf", "info", "Odd header"),
)  # fmt: skip


def security_noise(shop: Shop, dice: Dice, day_ms: int) -> None:
    """What other security tools report on any day without anything being wrong."""
    for _ in range(1 + dice.below(3)):
        source, kind, severity, title = dice.pick(_NOISE)
        shop.diary.write(
            day_ms + dice.below(DAY_MS), PLATFORM,
            {"type": "finding.reported", "source": source, "finding_kind": kind, "severity": severity,
             "title": title, "finding": shop.make.name("f"), "was_blocked": True},
        )  # fmt: skip
