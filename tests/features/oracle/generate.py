"""A million events of an invented shop, drawn to be awkward: the same for the same seed.

Busy and quiet entities (Zipf), an address half the town sits behind, entities left out, times that
tie, arrivals late by seconds, hours and days, bursts, labels about the past (and a few about the
future), currencies of which one has no rate, and a second tenant with the same names. The last
hundredth comes half a year later, so that some entities are forgotten and some are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

START_MS = 1_764_547_200_000
"""2025-12-01 00:00 UTC."""
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
SPAN_DAYS = 30

BASE = "EUR"
RATES = {"USD": "0.92", "GBP": "11.7", "JPY": "0.0061"}
"""What one unit is worth in EUR; KWD, which the shop also takes, has no rate. The rate of GBP has a
slipped decimal point, which carries the largest amounts beyond what is aggregated."""
CURRENCIES = ("EUR", "USD", "GBP", "JPY", "KWD")
COUNTRIES = ("DE", "FR", "GB", "US", "BR", "NG", "CN", "IN")

TYPES = (
    "payment.attempted", "payment.authorized", "payment.declined", "account.login",
    "account.login_failed", "order.placed", "review.posted", "label.assigned",
)  # fmt: skip
_SHARES = (0.28, 0.17, 0.07, 0.16, 0.08, 0.16, 0.05, 0.03)

FIELDS: dict[str, tuple[str, ...]] = {
    "payment.attempted": (
        "user", "device", "ip", "card", "merchant", "order", "amount_minor", "currency",
        "ip_country", "card_country", "items_count",
    ),
    "payment.authorized": (
        "user", "device", "ip", "card", "merchant", "order", "amount_minor", "currency",
        "ip_country", "card_country",
    ),
    "payment.declined": (
        "user", "device", "ip", "card", "merchant", "order", "amount_minor", "currency",
    ),
    "account.login": ("user", "device", "ip", "ip_country", "lat", "lon"),
    "account.login_failed": ("user", "device", "ip", "lat", "lon"),
    "order.placed": (
        "user", "device", "ip", "merchant", "order", "amount_minor", "currency", "items_count",
        "is_guest",
    ),
    "review.posted": ("user", "merchant", "ip", "amount_minor", "currency"),
    "label.assigned": ("user", "card", "merchant", "ip", "verdict", "subject_at_ms"),
}  # fmt: skip
"""Which columns each type fills; elsewhere they are null."""

_NEEDED = {
    "user": ("account.login", "review.posted"),
    "amount_minor": tuple(name for name in TYPES if name != "review.posted"),
    "currency": tuple(name for name in TYPES if name != "review.posted"),
}
"""Where a column may not be null, because the registry requires it there."""


def shop(rows: int = 1_000_000, seed: int = 20_251_201) -> pa.Table:
    """Events in the order they arrive: `seq`, `tenant`, `type`, `at_ms`, and one column per field."""
    rng = np.random.default_rng(seed)
    arrived = _arrivals(rng, rows)
    at = _happened(rng, arrived)
    kind = rng.choice(len(TYPES), rows, p=_SHARES)
    kind[: len(TYPES)] = np.arange(len(TYPES))
    columns = _entities(rng, rows, arrived) | _attributes(rng, rows)
    subject = at - (rng.exponential(4 * DAY, rows)).astype(np.int64)
    subject = np.where(rng.random(rows) < 0.02, at + HOUR, subject)
    columns["subject_at_ms"] = pa.array(subject), 0.02
    table = {
        "seq": pa.array(np.arange(1, rows + 1)),
        "tenant": _texts(("shop", "annex"), (rng.random(rows) < 0.05).astype(np.int64)),
        "type": _texts(TYPES, kind),
        "at_ms": pa.array(at),
    }
    for name, (column, missing) in columns.items():
        has = np.isin(kind, [i for i, t in enumerate(TYPES) if name in FIELDS[t]])
        needed = np.isin(kind, [i for i, t in enumerate(TYPES) if t in _NEEDED.get(name, ())])
        absent = ~has | (~needed & (rng.random(rows) < missing))
        table[name] = pc.if_else(pa.array(absent), pa.scalar(None, column.type), column)
    return with_base(pa.table(table))


def with_base(table: pa.Table) -> pa.Table:
    """Add `amount_base`: the amount in the base currency, halves rounded up, null without a rate."""
    # Minor units per unit: 100, but 1 for JPY.
    factors = {"EUR": (1, 1), "USD": (92, 100), "GBP": (117, 10), "JPY": (61, 100)}
    amount = table["amount_minor"].combine_chunks()
    currency = table["currency"].combine_chunks()
    base = pa.nulls(len(table), pa.int64())
    for code, (numerator, denominator) in factors.items():
        doubled = pc.multiply(amount, 2 * numerator)
        rounded = pc.divide(pc.add(doubled, denominator), 2 * denominator)
        chosen = pc.and_kleene(pc.equal(currency, code), pc.is_valid(amount))
        base = pc.if_else(pc.fill_null(chosen, False), rounded, base)
    return table.append_column("amount_base", base)


def _arrivals(rng: np.random.Generator, rows: int) -> Integers:
    """When each event arrives: by day more than by night, in bursts, the last hundredth much later."""
    tail = rows // 100
    day = rng.integers(0, SPAN_DAYS, rows - tail)
    hour = np.clip(rng.normal(15, 4, rows - tail), 0, 23.999)
    when = day * DAY + (hour * HOUR).astype(np.int64)
    for _ in range(8):
        size = rows // 100
        begin = rng.integers(0, SPAN_DAYS * DAY)
        when[rng.integers(0, rows - tail, size)] = begin + rng.integers(0, 2 * MINUTE, size)
    later = SPAN_DAYS * DAY + rng.integers(150 * DAY, 200 * DAY, tail)
    return np.asarray(START_MS + np.sort(np.concatenate([when, later])), np.int64)


def _happened(rng: np.random.Generator, arrived: Integers) -> Integers:
    """When each event happened: jitter, whole seconds for some, and latecomers."""
    rows = len(arrived)
    at = arrived - rng.integers(0, 300, rows)
    at = np.where(rng.random(rows) < 0.3, at // SECOND * SECOND, at)
    late = np.exp(rng.uniform(np.log(SECOND), np.log(12 * HOUR), rows)).astype(np.int64)
    at = np.where(rng.random(rows) < 0.02, at - late, at)
    very_late = rng.integers(DAY, 100 * DAY, rows)
    return np.asarray(np.where(rng.random(rows) < 0.002, at - very_late, at), np.int64)


def _zipf(rng: np.random.Generator, rows: int, size: int, exponent: float) -> Integers:
    weights = 1.0 / np.arange(1, size + 1) ** exponent
    return np.asarray(np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(rows)))


Columns = dict[str, tuple[pa.Array, float]]
"""Columns by name, each with the share of its values that are left out."""


def _entities(rng: np.random.Generator, rows: int, arrived: Integers) -> Columns:
    """Entities that belong together: a user's devices and cards, a crowd behind one address."""
    user = _zipf(rng, rows, max(rows // 10, 10), 0.7)
    hijacked = rng.random(rows) < 0.05
    own = user * 2 + rng.integers(0, 2, rows)
    device = np.where(hijacked, rng.integers(0, 50, rows), 100 + own)
    card = np.where(hijacked, rng.integers(0, 10**6, rows), 10**6 + own)
    ip = np.where(rng.random(rows) < 0.3, _zipf(rng, rows, 500, 1.0), 1000 + user // 2)
    ip = np.where(rng.random(rows) < 0.05, 0, ip)
    return {
        "user": (_ids("u", user), 0.08),
        "device": (_ids("d", device), 0.05),
        "ip": (_addresses(ip), 0.02),
        "card": (_ids("tok", card), 0.03),
        "merchant": (_ids("m", _zipf(rng, rows, 2000, 1.0)), 0.01),
        "order": (_ids("o", arrived // (10 * SECOND)), 0.0),
    }


def _attributes(rng: np.random.Generator, rows: int) -> Columns:
    """What the events say beside who took part; places are in one of forty towns."""
    currency = rng.choice(len(CURRENCIES), rows, p=(0.6, 0.2, 0.1, 0.06, 0.04))
    amount = np.exp(rng.normal(8, 1.6, rows)).astype(np.int64)
    amount = np.where(rng.random(rows) < 0.001, 10**12, amount)
    town = rng.integers(0, 40, rows)
    return {
        "amount_minor": (pa.array(amount), 0.4),
        "currency": (_texts(CURRENCIES, currency), 0.2),
        "ip_country": (_texts(COUNTRIES, _zipf(rng, rows, 8, 1.5)), 0.05),
        "card_country": (_texts(COUNTRIES, _zipf(rng, rows, 8, 1.5)), 0.05),
        "items_count": (pa.array(1 + rng.poisson(2, rows)), 0.05),
        "is_guest": (pa.array(rng.random(rows) < 0.3), 0.05),
        "lat": (pa.array(np.round(town * 2.0 + rng.random(rows) - 40, 6)), 0.02),
        "lon": (pa.array(np.round(town * 8.0 + rng.random(rows) - 160, 6)), 0.02),
        "verdict": (_texts(("fraud", "legitimate", "unknown"), _zipf(rng, rows, 3, 1.0)), 0.0),
    }


def _texts(words: tuple[str, ...], which: Integers) -> pa.Array:
    indices = pa.array(which.astype(np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array(words)).cast(pa.string())


def _ids(prefix: str, which: Integers) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(which).cast(pa.string()), "")


def _addresses(which: Integers) -> pa.Array:
    parts = [pa.array(which // size % 256).cast(pa.string()) for size in (65536, 256, 1)]
    return pc.binary_join_element_wise("10", *parts, ".")


def orders(path: Path) -> pa.Table:
    """Real order lines as events in the order of their times, in the columns of `shop`.

    Each line is an `order.placed` of one product, each line of a cancellation (`C…`) an
    `order.cancelled`; lines without a customer name no user, negative amounts count as positive.
    """
    lines = pq.read_table(path)
    lines = lines.take(pc.sort_indices(lines, [("InvoiceDate", "ascending")]))
    cancelled = pc.starts_with(lines["InvoiceNo"], "C")
    cents = pc.round(pc.multiply(pc.multiply(lines["UnitPrice"], lines["Quantity"]), 100.0))
    table = pa.table(
        {
            "seq": pa.array(np.arange(1, len(lines) + 1)),
            "tenant": pa.array(["shop"] * len(lines)),
            "type": pc.if_else(cancelled, "order.cancelled", "order.placed"),
            "at_ms": pc.divide(
                lines["InvoiceDate"].cast(pa.timestamp("us")).cast(pa.int64()), 1000
            ),
            "user": lines["CustomerID"].cast(pa.int64()).cast(pa.string()),
            "product": lines["StockCode"],
            "order": lines["InvoiceNo"],
            "amount_minor": pc.abs(cents).cast(pa.int64()),
            "currency": pa.array(["GBP"] * len(lines)),
            "items_count": pc.abs(lines["Quantity"]),
            "lat": pa.nulls(len(lines), pa.float64()),
            "lon": pa.nulls(len(lines), pa.float64()),
        }
    )
    return with_base(table)


def dicts(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows one by one, nulls left out."""
    for batch in table.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            yield {name: value for name, value in row.items() if value is not None}
