"""Attacks from within: staff who take data, and staff who do favours."""

from __future__ import annotations

from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from kanhe.simulate import honest, trades
from kanhe.simulate.campaigns.crew import CRUDE, SUBTLE, Crew
from kanhe.simulate.places import PLACES


def staff_data_theft(crew: Crew) -> None:
    """Customer records leave with an employee: in one night, or a few every day."""
    shop, dice = crew.shop, crew.dice
    thieves = dice.some(shop.people.staff, 3)
    for level, thief in enumerate(thieves):
        mark = crew.mark(thief.name)
        client = honest.staff_client(thief)
        day = shop.moment((0.3, 0.45, 0.2)[level]) // DAY_MS * DAY_MS
        for night in range((1, 4, 18)[level]):
            if level == CRUDE:
                # From home, at night, from a computer nobody knows.
                client = {
                    **client,
                    "device": shop.make.name("d"),
                    "ip": crew.homes(1, PLACES[0])[0],
                }
            at_ms = float(day + night * DAY_MS + ((1, 17, 10)[level] + dice.random()) * HOUR_MS)
            for _ in range(max(3, (14, 40, 6)[level])):
                at_ms += dice.wait((4, 1.5, 25)[level]) * MINUTE_MS
                body = {
                    "type": "staff.action", **client, "is_own_record": False,
                    "staff_action": ("exported", "viewed", "unmasked")[level], "resource": "customer",
                    "record_count": int(dice.around((1800, 4, 2)[level], 0.4)) or 1,
                }  # fmt: skip
                if level == CRUDE:
                    body["is_new_device"] = True
                else:
                    body["user"] = shop.people.someone().user
                if level == SUBTLE and dice.chance(0.5):
                    body["ticket"] = shop.make.name("t")
                shop.diary.write(at_ms, mark, body)
        found = day + dice.between(15, 25) * DAY_MS
        trades.label(shop, found, "abuse", "manual_review", staff=thief.name)


def staff_favours(crew: Crew) -> None:
    """An employee refunds and credits friends who never sent anything back."""
    shop, dice = crew.shop, crew.dice
    for level, helper in enumerate(dice.some(shop.people.staff, 2)):
        mark = crew.mark(helper.name)
        friends = dice.some(shop.people.buyers, (3, 7)[level])
        at_ms = float(shop.moment((0.2, 0.35)[level]))
        for _ in range(shop.many((22, 16)[level], 6)):
            at_ms += dice.between(*((2, 14), (10, 40))[level]) * HOUR_MS
            friend = dice.pick(friends)
            cents = dice.whole(*((3000, 24_000), (900, 4000))[level])
            money = {
                "amount_minor": int(cents * friend.place.minor_per_cent),
                "currency": friend.place.currency,
            }  # fmt: skip
            client = honest.staff_client(helper)
            body = {
                "type": "staff.action", **client, **money, "user": friend.user,
                "staff_action": dice.pick(("credited", "refunded", "overrode")), "resource": "payment",
                "record_count": 1, "is_own_record": level == CRUDE and dice.chance(0.25),
            }  # fmt: skip
            if level:
                body["ticket"] = shop.make.name("t")
            shop.diary.write(at_ms, mark, body)
            shop.diary.write(
                at_ms + MINUTE_MS, mark,
                {"type": "refund.paid", "order": shop.make.name("o"), "user": friend.user, **money,
                 "refund": shop.make.name("rf"), "staff": helper.name, "goods_returned": False,
                 "refund_to": "store_credit", "refund_reason": "other"},
            )  # fmt: skip
