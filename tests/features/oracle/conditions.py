"""The few conditions the declarations use, each translated by hand to SQL and to Python.

A missing value makes a comparison false, and `not` of it true; SQL's NULL has to be told so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Condition(NamedTuple):
    """What one condition means: `sql` over the columns of the events table, `holds` over a dict."""

    sql: str
    holds: Callable[[Mapping[str, Any]], bool]


def _known(event: Mapping[str, Any], *fields: str) -> bool:
    return all(event.get(field) is not None for field in fields)


CONDITIONS: dict[str, Condition] = {
    "": Condition("true", lambda e: True),
    "amount_base < 2000": Condition(
        "coalesce(amount_base < 2000, false)",
        lambda e: _known(e, "amount_base") and e["amount_base"] < 2000,
    ),
    "amount_base >= 50000": Condition(
        "coalesce(amount_base >= 50000, false)",
        lambda e: _known(e, "amount_base") and e["amount_base"] >= 50000,
    ),
    "ip_country != card_country": Condition(
        "coalesce(ip_country <> card_country, false)",
        lambda e: _known(e, "ip_country", "card_country") and e["ip_country"] != e["card_country"],
    ),
    "not is_guest": Condition(
        "not coalesce(is_guest, false)",
        lambda e: not e.get("is_guest"),
    ),
    'items_count >= 5 and currency in ("EUR", "USD")': Condition(
        "coalesce(items_count >= 5, false) and coalesce(currency in ('EUR', 'USD'), false)",
        lambda e: (
            _known(e, "items_count", "currency")
            and e["items_count"] >= 5
            and e["currency"] in ("EUR", "USD")
        ),
    ),
    'ip_country == "DE"': Condition(
        "coalesce(ip_country = 'DE', false)",
        lambda e: e.get("ip_country") == "DE",
    ),
    "delay_days > 0": Condition(
        "coalesce(delay_days > 0, false)",
        lambda e: _known(e, "delay_days") and e["delay_days"] > 0,
    ),
    "items_count >= 12": Condition(
        "coalesce(items_count >= 12, false)",
        lambda e: _known(e, "items_count") and e["items_count"] >= 12,
    ),
}
