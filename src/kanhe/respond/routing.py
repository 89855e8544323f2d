"""To which queue an alert goes: the first route whose every condition holds.

A route says what it is for by what an alert has: tenant, kind, event type, severity, amount, rule,
tag. Patterns may end in `*`. What no route is for goes to the last queue.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from kanhe.core.decision import Text
from kanhe.respond.alerts import RANK, Alert


class Queue(msgspec.Struct, frozen=True):
    """A queue of work; `name` stands in addresses."""

    name: str
    title: Text


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to a queue. What is left out holds for every alert."""

    queue: str
    tenants: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    severity: str = ""
    """At least so severe."""
    amount_from_minor: int = 0
    """At least so much, in minor units of the base currency."""
    rules: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def fits(self, alert: Alert, tags: Collection[str]) -> bool:
        """Whether every condition holds; `tags` are those of the alert's rules."""
        return (
            (not self.tenants or alert.tenant in self.tenants)
            and (not self.kinds or alert.kind in self.kinds)
            and (not self.types or any(_like(alert.event_type, one) for one in self.types))
            and (not self.severity or RANK[alert.severity] >= RANK[self.severity])
            and alert.base_minor >= self.amount_from_minor
            and _any_like(alert.rules, self.rules)
            and _any_like(tags, self.tags)
        )


def route_of(alert: Alert, tags: Collection[str], routes: Sequence[Route], rest: str) -> str:
    """The queue of an alert; `rest` takes what no route is for."""
    return next((route.queue for route in routes if route.fits(alert, tags)), rest)


def _any_like(found: Collection[str], patterns: Sequence[str]) -> bool:
    return not patterns or any(_like(one, pattern) for one in found for pattern in patterns)


def _like(text: str, pattern: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


QUEUES = (
    Queue("payments", Text("Payments", "支付与资金")),
    Queue("accounts", Text("Accounts", "账号安全")),
    Queue("trade", Text("Trade and after-sales", "交易与售后")),
    Queue("complaints", Text("Complaints", "投诉")),
    Queue("policy", Text("Policy", "策略")),
    Queue("general", Text("Everything else", "其他")),
)
"""The queues of an installation that named none of its own; the last one takes what is left."""
ROUTES = (
    Route(queue="complaints", kinds=("complaint",)),
    Route(queue="policy", kinds=("governor", "rollback")),
    Route(queue="payments", types=("payment.*", "payout.*", "chargeback.*")),
    Route(queue="accounts", types=("account.*", "staff.*", "session.*", "merchant.*")),
    Route(queue="trade", types=("order.*", "refund.*", "return.*", "parcel.*", "delivery.*", "review.*", "coupon.*")),
)  # fmt: skip
