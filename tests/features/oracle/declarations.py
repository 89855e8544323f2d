"""Feature declarations as plain data, and as the text of a policy pack.

The oracle and the reference model read the data; the product reads the text. Neither sees what the
other makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

FIELDLESS = ("count", "share", "label_rate", "since_last", "first_seen", "age", "speed")
WINDOWED = ("count", "sum", "mean", "std", "min", "max", "distinct", "share", "label_rate")


@dataclass(frozen=True)
class Declared:
    """One feature as a shop would declare it; durations and conditions are text."""

    name: str
    function: str
    types: tuple[str, ...]
    by: tuple[str, ...]
    over: str = ""
    field: str = ""
    where: str = ""
    of: str = ""
    delay: str = ""
    most: int = 100

    @property
    def over_ms(self) -> int:
        """The window in milliseconds, 0 for none."""
        return milliseconds(self.over)

    @property
    def delay_ms(self) -> int:
        """The delay in milliseconds, 0 for none."""
        return milliseconds(self.delay)

    def line(self) -> str:
        """The declaration as it stands in `features.kanhe`."""
        arguments = [_names(self.types)]
        if self.field:
            arguments.append(f'"{self.field}"')
        arguments.append(f"by={_names(self.by)}")
        for keyword in ("over", "delay"):
            if getattr(self, keyword):
                arguments.append(f'{keyword}="{getattr(self, keyword)}"')
        for keyword in ("of", "where"):
            if getattr(self, keyword):
                arguments.append(f"{keyword}={getattr(self, keyword)}")
        if self.function == "distinct" and self.most != 100:
            arguments.append(f"most={self.most}")
        return f"{self.name} = {self.function}({', '.join(arguments)})"


def milliseconds(text: str) -> int:
    """`10m` as milliseconds; empty text is 0."""
    return int(text[:-1]) * _UNIT_MS[text[-1]] if text else 0


def pack_text(features: list[Declared]) -> str:
    """A whole `features.kanhe`."""
    return "".join(feature.line() + "\n" for feature in features)


def declared(name: str, function: str, types: str, by: str, /, **rest: object) -> Declared:
    """A declaration from words: types and entities are separated by spaces."""
    return Declared(name, function, tuple(types.split()), tuple(by.split()), **rest)  # type: ignore[arg-type]


def _names(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return f'"{names[0]}"'
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


PAY, AUTH, DECLINED = "payment.attempted", "payment.authorized", "payment.declined"
LOGIN, FAILED, ORDER = "account.login", "account.login_failed", "order.placed"
MONEY = f"{PAY} {AUTH}"

SHOP: list[Declared] = [
    # Counts, from the shortest window to the longest, over one type and over several.
    declared("card_pays_1m", "count", PAY, "card", over="1m"),
    declared("card_declines_10m", "count", DECLINED, "card", over="10m"),
    declared("ip_fails_1h", "count", FAILED, "ip", over="1h"),
    declared("ip_logins_3m", "count", f"{LOGIN} {FAILED}", "ip", over="3m"),
    declared("user_orders_24h", "count", ORDER, "user", over="24h"),
    declared("device_pays_7d", "count", MONEY, "device", over="7d"),
    declared("merchant_orders_30d", "count", ORDER, "merchant", over="30d"),
    declared("user_pays_90d", "count", MONEY, "user", over="90d"),
    declared("merchant_orders_91m", "count", ORDER, "merchant", over="91m"),
    # Conditions that are true, false and impossible to compute.
    declared("card_small_1h", "count", PAY, "card", over="1h", where="amount_base < 2000"),
    declared("user_foreign_7d", "count", MONEY, "user", over="7d", where="ip_country != card_country"),
    declared("ip_guests_24h", "count", ORDER, "ip", over="24h", where="not is_guest"),
    declared(
        "device_bulk_24h", "count", ORDER, "device", over="24h",
        where='items_count >= 5 and currency in ("EUR", "USD")',
    ),
    # Sums and what is derived from them; one currency has no rate.
    declared("card_spent_24h", "sum", AUTH, "card", over="24h", field="amount_base"),
    declared("user_spent_30d", "sum", AUTH, "user", over="30d", field="amount_base"),
    declared("merchant_spent_1h", "sum", MONEY, "merchant", over="1h", field="amount_base"),
    declared("user_items_7d", "sum", ORDER, "user", over="7d", field="items_count"),
    declared("ip_spent_10m", "sum", PAY, "ip", over="10m", field="amount_minor"),
    declared("card_mean_7d", "mean", PAY, "card", over="7d", field="amount_base"),
    declared("merchant_mean_24h", "mean", MONEY, "merchant", over="24h", field="amount_base"),
    declared("ip_mean_1h", "mean", PAY, "ip", over="1h", field="amount_base"),
    declared("card_std_30d", "std", PAY, "card", over="30d", field="amount_base"),
    declared("merchant_std_7d", "std", MONEY, "merchant", over="7d", field="amount_base"),
    declared("ip_std_1h", "std", PAY, "ip", over="1h", field="amount_base"),
    declared("merchant_reviewed_7d", "mean", "review.posted", "merchant", over="7d", field="amount_base"),
    declared("user_amounts_24h", "sum", f"{PAY} review.posted", "user", over="24h", field="amount_minor"),
    # Extremes.
    declared("card_min_24h", "min", PAY, "card", over="24h", field="amount_base"),
    declared("card_max_24h", "max", PAY, "card", over="24h", field="amount_base"),
    declared("merchant_max_1h", "max", MONEY, "merchant", over="1h", field="amount_base"),
    declared("ip_min_10m", "min", PAY, "ip", over="10m", field="items_count"),
    declared("user_max_90d", "max", ORDER, "user", over="90d", field="items_count"),
    # Different values, below and above the limit.
    declared("ip_users_1h", "distinct", f"{LOGIN} {FAILED}", "ip", over="1h", field="user"),
    declared("device_cards_24h", "distinct", PAY, "device", over="24h", field="card", most=5),
    declared("merchant_cards_24h", "distinct", MONEY, "merchant", over="24h", field="card", most=1000),
    declared("user_countries_30d", "distinct", MONEY, "user", over="30d", field="ip_country"),
    declared("card_amounts_7d", "distinct", PAY, "card", over="7d", field="items_count", most=3),
    # Shares and rates.
    declared("card_small_share_24h", "share", PAY, "card", over="24h", of="amount_base < 2000"),
    declared("ip_fail_share_10m", "share", MONEY, "ip", over="10m", of="ip_country != card_country"),
    declared("merchant_fraud_7d", "label_rate", MONEY, "merchant", over="7d"),
    declared("card_fraud_30d", "label_rate", MONEY, "card", over="30d", delay="7d"),
    declared("ip_fraud_24h", "label_rate", MONEY, "ip", over="24h", delay="12h"),
    # What lies some way back.
    declared("merchant_orders_before_24h", "count", ORDER, "merchant", over="24h", delay="24h"),
    declared("card_spent_before_1h", "sum", MONEY, "card", over="1h", field="amount_base", delay="3h"),
    declared("ip_mean_before_1h", "mean", PAY, "ip", over="1h", field="amount_base", delay="1m"),
    declared("merchant_std_before_7d", "std", MONEY, "merchant", over="7d", field="amount_base", delay="7d"),
    declared("card_max_before_7d", "max", PAY, "card", over="7d", field="amount_base", delay="1h"),
    declared("merchant_min_before_1h", "min", PAY, "merchant", over="1h", field="amount_base", delay="10m"),
    declared("user_share_before_7d", "share", MONEY, "user", over="7d", of="amount_base < 2000", delay="1d"),
    # Pairs.
    declared("pair_logins_30d", "count", LOGIN, "user device", over="30d"),
    declared("pair_spent_24h", "sum", MONEY, "card merchant", over="24h", field="amount_base"),
    declared("pair_cards_1h", "distinct", PAY, "ip merchant", over="1h", field="card", most=10),
    declared("pair_since_login", "since_last", LOGIN, "user device"),
    # What was last and what was first.
    declared("user_last_country", "last", f"{LOGIN} {MONEY}", "user", field="ip_country"),
    declared("card_last_amount", "last", PAY, "card", field="amount_base"),
    declared("device_last_user", "last", LOGIN, "device", field="user"),
    declared("user_last_items_1h", "last", ORDER, "user", field="items_count", over="1h"),
    declared("user_since_login", "since_last", LOGIN, "user"),
    declared("card_since_decline_24h", "since_last", DECLINED, "card", over="24h"),
    declared("ip_since_big", "since_last", MONEY, "ip", where="amount_base >= 50000"),
    declared("user_first_login", "first_seen", LOGIN, "user"),
    declared("card_first_seen", "first_seen", MONEY, "card"),
    declared("user_age", "age", f"{LOGIN} {ORDER}", "user"),
    declared("device_age_orders", "age", ORDER, "device", where="not is_guest"),
    declared("user_speed", "speed", LOGIN, "user"),
    declared("device_speed", "speed", f"{LOGIN} {FAILED}", "device"),
]  # fmt: skip
"""What is checked on the generated shop: every function, windows from a minute to ninety days."""

LINES: list[Declared] = [
    declared("user_lines_1h", "count", ORDER, "user", over="1h"),
    declared("user_lines_90d", "count", ORDER, "user", over="90d"),
    declared("user_spent_7d", "sum", ORDER, "user", over="7d", field="amount_base"),
    declared("user_mean_30d", "mean", ORDER, "user", over="30d", field="amount_base"),
    declared("user_std_90d", "std", ORDER, "user", over="90d", field="amount_base"),
    declared("product_std_30d", "std", ORDER, "product", over="30d", field="amount_base"),
    declared("product_min_30d", "min", ORDER, "product", over="30d", field="amount_base"),
    declared("product_max_90d", "max", ORDER, "product", over="90d", field="amount_base"),
    declared("user_products_24h", "distinct", ORDER, "user", over="24h", field="product", most=50),
    declared(
        "product_users_90d", "distinct", ORDER, "product", over="90d", field="user", most=1000
    ),
    declared("order_products_1m", "distinct", ORDER, "order", over="1m", field="product"),
    declared("order_lines_1h", "count", ORDER, "order", over="1h"),
    declared("pair_spent_90d", "sum", ORDER, "user product", over="90d", field="amount_base"),
    declared("pair_since", "since_last", ORDER, "user product"),
    declared("product_bulk_7d", "share", ORDER, "product", over="7d", of="items_count >= 12"),
    declared("product_before_30d", "count", ORDER, "product", over="30d", delay="90d"),
    declared("user_last_product", "last", ORDER, "user", field="product"),
    declared("user_first", "first_seen", ORDER, "user"),
    declared("product_age", "age", ORDER, "product"),
]
"""What is checked on real order lines: a year of history, times in whole minutes, many ties."""
