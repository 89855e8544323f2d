"""One trade from the basket to the doorstep and back, for honest buyers and for attackers alike.

Both go through the same functions, so that an attack differs from honest life only where the
attacker's manner makes it differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kanhe.core.time import DAY_MS, SECOND_MS
from kanhe.simulate.chance import Dice
from kanhe.simulate.diary import PLATFORM, Mark
from kanhe.simulate.people import Buyer, Card, Courier, Merchant, Product
from kanhe.simulate.shop import Shop

Client = dict[str, Any]
"""The fields of a visit: user, device, ip, session, channel, place."""

HONEST_DECLINES = (
    "insufficient_funds", "insufficient_funds", "invalid_cvv", "invalid_cvv", "expired_card",
    "do_not_honor", "authentication_failed", "processing_error", "limit_exceeded",
)  # fmt: skip
STOLEN_DECLINES = (
    "do_not_honor", "do_not_honor", "stolen_card", "invalid_cvv", "suspected_fraud", "pick_up_card",
    "insufficient_funds", "lost_card",
)  # fmt: skip
PRAISE = (
    "Good quality, thank you.",
    "Just as described.",
    "Arrived quickly.",
    "Nice for the price.",
    "My daughter loves it.",
    "Solid, well packed.",
    "Would buy again.",
    "Okay, nothing special.",
)


@dataclass(slots=True)
class Manner:
    """How somebody trades. The defaults are an honest buyer's."""

    mark: Mark
    extra: dict[str, Any] = field(default_factory=dict)
    """Fields laid over those of the order and the payment."""
    declined: float = 0.035
    """The probability that a payment is declined."""
    reasons: tuple[str, ...] = HONEST_DECLINES
    fill_ms: float = 42_000
    """The median time taken to fill in the form."""
    guest: bool = False


@dataclass(slots=True)
class Order:
    """An order as its later life needs it."""

    name: str
    buyer: Buyer
    merchant: Merchant
    products: list[Product]
    cents: int
    amount_minor: int
    at_ms: float
    client: Client
    address: str
    country: str
    digital: bool
    card: Card | None = None
    payment: str = ""
    attempt: str = ""
    """The id of the event in which the payment was attempted."""
    attempt_ms: int = 0
    parcel: str = ""

    @property
    def currency(self) -> str:
        """The buyer's currency; every amount of the order is in it."""
        return self.buyer.place.currency

    @property
    def weight_g(self) -> int:
        """What the goods weigh."""
        return sum(product.weight_g for product in self.products)

    def names(self) -> dict[str, Any]:
        """The entities of the order, for events that come later."""
        return {"order": self.name, "user": self.buyer.user, "merchant": self.merchant.name}


def basket(shop: Shop, dice: Dice, buyer: Buyer, merchant: Merchant) -> list[Product]:
    """What an honest buyer picks: mostly one or two things they can afford."""
    wanted = 1 + int(dice.wait(0.7 * min(buyer.spend, 3.0)))
    return [dice.pick(merchant.products) for _ in range(min(wanted, 12))]


def place_order(
    shop: Shop, dice: Dice, buyer: Buyer, merchant: Merchant, products: list[Product],
    client: Client, at_ms: float, manner: Manner, *, factor: float = 1.0,
) -> Order:  # fmt: skip
    """Write `order.placed`. `factor` scales the prices, as a coupon or a bargain does."""
    cents = max(100, int(sum(product.cents for product in products) * factor))
    place = buyer.place
    digital = all(product.weight_g == 0 for product in products)
    order = Order(
        shop.make.name("o"), buyer, merchant, products, cents, max(1, int(cents * place.minor_per_cent)),
        at_ms, client, buyer.address, place.code, digital,
    )  # fmt: skip
    buyer.orders += 1
    body = {
        "type": "order.placed", **client, "order": order.name, "merchant": merchant.name,
        "address": order.address, "amount_minor": order.amount_minor, "currency": place.currency,
        "items_count": len(products), "products": list({p.name: 1 for p in products}),
        "category": products[0].category, "shipping_country": place.code,
        "postal_code": buyer.postal_code, "city": buyer.city[0], "is_guest": manner.guest,
        "is_digital": digital, "is_first_order": buyer.orders == 1,
        "merchant_country": merchant.place.code, "payment_method": "card",
        "fill_ms": int(dice.around(manner.fill_ms, 0.6)), **manner.extra,
    }  # fmt: skip
    order.address = body["address"]
    order.country = body["shipping_country"]
    if manner.guest:
        body.pop("user", None)
        body["email"] = buyer.email
    shop.diary.write(at_ms, manner.mark, body)
    return order


def pay(
    shop: Shop, dice: Dice, order: Order, card: Card, at_ms: float, manner: Manner,
    attempt_no: int = 1, saved: bool = False,
) -> bool:  # fmt: skip
    """Write the attempt and what the bank answered; says whether the money was set aside."""
    order.card = card
    order.payment = shop.make.name("pay")
    declined = dice.random() < manner.declined
    reason = dice.pick(manner.reasons) if declined else ""
    body = {
        "type": "payment.attempted", **order.client, "order": order.name,
        "merchant": order.merchant.name, "address": order.address, "email": order.buyer.email,
        "card": card.token, "payment": order.payment, "payment_method": "card",
        "card_bin": card.bin, "card_brand": card.brand, "card_funding": card.funding,
        "card_country": card.country, "amount_minor": order.amount_minor,
        "currency": order.currency, "shipping_country": order.country,
        "billing_country": card.country, "items_count": len(order.products),
        "cvv_result": "no_match" if reason == "invalid_cvv" else "match",
        "is_saved_card": saved, "is_guest": manner.guest, "is_digital": order.digital,
        "attempt_no": attempt_no, "fill_ms": int(dice.around(manner.fill_ms, 0.6)), **manner.extra,
    }  # fmt: skip
    if manner.guest:
        body.pop("user", None)
    order.attempt_ms = int(at_ms)
    order.attempt = shop.diary.write(at_ms, manner.mark, body)
    answer: dict[str, Any] = {
        key: body[key]
        for key in (
            "user", "device", "ip", "session", "card", "merchant", "order", "payment", "payment_method",
            "amount_minor", "currency", "card_bin", "card_brand", "card_country", "cvv_result", "is_guest",
        )
        if key in body
    }  # fmt: skip
    answer["type"] = "payment.declined" if declined else "payment.authorized"
    if declined:
        answer["decline_reason"] = reason
    else:
        answer["three_ds"] = "frictionless" if dice.random() < 0.6 else "not_used"
    shop.diary.write(at_ms + 900 + dice.random() * 2500, manner.mark, answer)
    return not declined


def capture(shop: Shop, order: Order, at_ms: float, mark: Mark) -> None:
    """Write `payment.captured`; the merchant has earned it."""
    card = order.card
    assert card is not None, "only paid orders are captured"
    order.merchant.balance += order.cents
    shop.diary.write(
        at_ms, mark,
        {
            "type": "payment.captured", **order.names(), "card": card.token, "payment": order.payment,
            "payment_method": "card", "amount_minor": order.amount_minor, "currency": order.currency,
            "is_partial": False,
        },
    )  # fmt: skip


@dataclass(slots=True)
class Transport:
    """How a parcel travels. The defaults are those of honest people."""

    shipped: Mark
    carried: Mark | None = None
    weight: float = 1.0
    """The measured weight of the parcel as a share of what the goods weigh."""
    scans: int = 2
    delivered: bool = True
    lost: float = 0.008
    """The probability that it never arrives."""
    handing: dict[str, Any] = field(default_factory=dict)
    """Fields laid over those of the delivery."""
    courier: Courier | None = None


def ship(shop: Shop, dice: Dice, order: Order, at_ms: float, how: Transport) -> float:
    """Write the parcel's life; returns when it was delivered, or 0 if it never was."""
    people, diary = shop.people, shop.diary
    origin, goal = order.merchant.city, order.buyer.city
    courier = how.courier or people.courier(dice, goal[0])
    order.parcel = shop.make.name("pc")
    expected = order.weight_g + 60
    weight = max(12, int(expected * how.weight * dice.between(0.97, 1.04)))
    across = order.merchant.place is not order.buyer.place
    days = dice.between(2.5, 8.0) if across else dice.between(0.7, 3.2)
    common = {"parcel": order.parcel, "order": order.name, "carrier": courier.carrier}
    diary.write(
        at_ms, how.shipped,
        {
            "type": "parcel.shipped", **common, "user": order.buyer.user, "address": order.address,
            "merchant": order.merchant.name, "weight_g": weight, "expected_weight_g": expected,
            "declared_weight_g": int(expected * dice.between(0.97, 1.06)),
            "items_count": len(order.products), "origin_country": order.merchant.place.code,
            "shipping_country": order.country, "lat": origin[1], "lon": origin[2],
            "promised_ms": int(at_ms + (days + 1) * DAY_MS), "ordered_ms": int(order.at_ms),
        },
    )  # fmt: skip
    carried = how.carried or courier.mark
    stops = ("departed", "arrived", "arrived", "out_for_delivery")
    for stop in range(how.scans):
        part = (stop + 1) / (how.scans + 1)
        place = origin if part < 0.5 else goal
        diary.write(
            at_ms + part * days * DAY_MS * dice.between(0.9, 1.0), carried,
            {
                "type": "parcel.scanned", **common, "merchant": order.merchant.name,
                "courier": courier.name, "scan_kind": stops[min(stop + 4 - how.scans, 3)],
                "station": f"{place[0][:3].lower()}-{1 + dice.below(4)}", "weight_g": weight,
                "lat": place[1], "lon": place[2],
            },
        )  # fmt: skip
    if not how.delivered or dice.random() < how.lost:
        return 0.0
    # Couriers work by day; the hour is moved into theirs.
    day = (at_ms + days * DAY_MS) // DAY_MS * DAY_MS
    done = shop.working(int(day), order.buyer.place, dice) + DAY_MS
    home = dice.random()
    diary.write(
        done, carried,
        {
            "type": "parcel.delivered", **common, **order.names(), "courier": courier.name,
            "address": order.address, "handed_to": "recipient" if home < 0.6 else
            "household" if home < 0.7 else "neighbour" if home < 0.8 else "doorstep",
            "photo_taken": home > 0.3, "code_confirmed": home < 0.25,
            "distance_m": int(dice.around(25, 0.8)), "lat": order.buyer.lat, "lon": order.buyer.lon,
            "weight_g": weight, "expected_weight_g": expected, **how.handing,
        },
    )  # fmt: skip
    return done


def review(
    shop: Shop, dice: Dice, order: Order, at_ms: float, mark: Mark, client: Client, rating: int = 0,
    text: str = "", fill_ms: float = 50_000,
) -> None:  # fmt: skip
    """Write a review of one product of the order."""
    shop.diary.write(
        at_ms, mark,
        {
            "type": "review.posted", **client, "order": order.name, "merchant": order.merchant.name,
            "product": order.products[0].name, "review": shop.make.name("r"),
            "rating": rating or dice.pick((1, 2, 3, 4, 4, 5, 5, 5, 5)), "is_verified_purchase": True,
            "text": text or dice.pick(PRAISE), "amount_minor": order.amount_minor,
            "currency": order.currency, "ordered_ms": int(order.at_ms),
            "fill_ms": int(dice.around(fill_ms, 0.6)),
        },
    )  # fmt: skip


def refund(
    shop: Shop, dice: Dice, order: Order, at_ms: float, mark: Mark, client: Client, reason: str,
    *, returned: bool, paid: float = 0.92,
) -> None:  # fmt: skip
    """Write the request and, mostly, the payment a day or a few later."""
    name = shop.make.name("rf")
    money = {
        "amount_minor": order.amount_minor, "currency": order.currency, "refund": name,
        "refund_reason": reason, "goods_returned": returned,
    }  # fmt: skip
    shop.diary.write(
        at_ms, mark,
        {"type": "refund.requested", **client, **order.names(), **money, "payment": order.payment,
         "ordered_ms": int(order.at_ms), "order_minor": order.amount_minor,
         "product": order.products[0].name, "images_count": dice.below(4)},
    )  # fmt: skip
    if dice.chance(paid):
        clerk = dice.pick(shop.people.staff)
        order.merchant.balance -= order.cents
        shop.diary.write(
            at_ms + dice.between(0.3, 4) * DAY_MS, clerk.mark,
            {"type": "refund.paid", **order.names(), **money, "staff": clerk.name,
             "payment": order.payment, "refund_to": "original_method"},
        )  # fmt: skip


def complain(
    shop: Shop, dice: Dice, order: Order, at_ms: float, mark: Mark, reason: str, *, upheld: float
) -> None:
    """Write a complaint and its end some days later; support decides."""
    name = shop.make.name("cp")
    about = {**order.names(), "complaint": name, "complaint_reason": reason}
    opened = shop.diary.write(at_ms, mark, {"type": "complaint.opened", **about})
    clerk = dice.pick(shop.people.staff)
    shop.diary.write(
        at_ms + dice.between(1, 6) * DAY_MS, clerk.mark,
        {"type": "complaint.resolved", **about, "staff": clerk.name, "subject_event": opened,
         "subject_at_ms": int(at_ms),
         "complaint_outcome": "upheld" if dice.chance(upheld) else dice.pick(("rejected", "settled"))},
    )  # fmt: skip


def charge_back(
    shop: Shop, dice: Dice, order: Order, at_ms: float, reason: str, *, mark: Mark = PLATFORM,
    verdict: str = "fraud",
) -> None:  # fmt: skip
    """The cardholder's bank takes the money back; after review, the payment is labelled."""
    card = order.card
    assert card is not None, "only paid orders are charged back"
    about = {
        **order.names(), "card": card.token, "amount_minor": order.amount_minor,
        "currency": order.currency, "payment": order.payment, "subject_event": order.attempt,
        "subject_at_ms": order.attempt_ms,
    }  # fmt: skip
    shop.diary.write(
        at_ms, mark,
        {"type": "chargeback.received", **about, "chargeback_reason": reason,
         "chargeback_stage": "first", "ordered_ms": int(order.at_ms)},
    )  # fmt: skip
    label(shop, at_ms + dice.between(0.1, 3) * DAY_MS, verdict, "chargeback", **about)


def label(shop: Shop, at_ms: float, verdict: str, source: str, **about: Any) -> None:
    """What turned out to be true becomes known, later, as an event."""
    body = {"type": "label.assigned", "verdict": verdict, "label_source": source, **about}
    shop.diary.write(at_ms, PLATFORM, body)


def sign_in(
    shop: Shop, dice: Dice, client: Client, at_ms: float, mark: Mark, *, mistakes: int = 0,
    mfa: bool = False, new_device: bool = False, method: str = "password",
) -> float:  # fmt: skip
    """Write failed attempts, then the login; returns the time after it."""
    where = {key: value for key, value in client.items() if key != "session"}
    for attempt in range(mistakes):
        shop.diary.write(
            at_ms, mark,
            {"type": "account.login_failed", **where, "login_method": "password",
             "login_failure": "wrong_password", "attempt_no": attempt + 1},
        )  # fmt: skip
        at_ms += dice.between(5, 40) * SECOND_MS
    shop.diary.write(
        at_ms, mark,
        {"type": "account.login", **client, "login_method": method, "mfa_used": mfa,
         "is_new_device": new_device},
    )  # fmt: skip
    return at_ms + dice.between(3, 20) * SECOND_MS


def register(
    shop: Shop, dice: Dice, buyer: Buyer, client: Client, at_ms: float, mark: Mark,
    **extra: Any,
) -> None:  # fmt: skip
    """Write the sign-up of an account."""
    shop.diary.write(
        at_ms, mark,
        {"type": "account.registered", **client, "email": buyer.email, "phone": buyer.phone,
         "account_kind": "buyer", "account_country": buyer.place.code, "email_verified": True,
         "is_disposable_email": False, "fill_ms": int(dice.around(65_000, 0.5)), **extra},
    )  # fmt: skip


def open_session(
    shop: Shop, dice: Dice, client: Client, at_ms: float, mark: Mark, **extra: Any
) -> None:
    """Write the beginning of a visit."""
    visit = {key: value for key, value in client.items() if key != "user"}
    shop.diary.write(
        at_ms, mark,
        {"type": "session.started", **visit, "landing": dice.pick(("/", "/search", "/sale", "/item")),
         "request_count": 3 + dice.below(9), "bot_score": dice.below(12), **extra},
    )  # fmt: skip


def fill_cart(
    shop: Shop, dice: Dice, client: Client, products: list[Product], at_ms: float, mark: Mark,
    *, dwell_ms: float = 38_000, rate: float = 1.0, currency: str = "EUR",
) -> float:  # fmt: skip
    """Write one `cart.changed` for each product; returns the time after the last."""
    for count, product in enumerate(products, 1):
        dwell = dice.around(dwell_ms, 0.8)
        at_ms += dwell
        shop.diary.write(
            at_ms, mark,
            {"type": "cart.changed", **client, "product": product.name, "cart_action": "added",
             "quantity": 1, "items_count": count, "dwell_ms": min(int(dwell), 86_000_000),
             "amount_minor": int(product.cents * rate), "currency": currency,
             "category": product.category},
        )  # fmt: skip
    return at_ms + dice.between(5, 60) * SECOND_MS
