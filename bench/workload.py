"""The events of the benchmark: payments of a shop with a million cards, some busy and most quiet.

An event has 27 fields and names a card, a user, a device, an address and a merchant (and a session,
an e-mail address and a telephone number, by which nothing is counted here). Twenty arrive a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

CARDS = 1_000_000
MERCHANTS = 5_000
STEP_MS = 50
SPAN_MS = 2 * 86_400_000
"""The first event lies two days back, so that none of them is in the future."""

COUNTRIES = np.array(["US", "GB", "DE", "FR", "BR", "IN", "NG", "CN", "JP", "CA"])
CURRENCIES = np.array(["EUR", "USD", "GBP", "BRL", "INR"])
BRANDS = np.array(["visa", "mastercard", "amex"])
AVS = np.array(["match", "partial", "no_match"])
CVV = np.array(["match", "no_match", "not_given"])
RATES = {"USD": "0.92", "GBP": "1.17", "BRL": "0.17", "INR": "0.0105"}

TYPE = "payment.attempted"
ENTITIES = ("card", "user", "device", "ip", "merchant")


def first_ms() -> int:
    """When the first event of a run happened: a whole hour, about two days ago."""
    return (int(time.time() * 1000) - SPAN_MS) // 3_600_000 * 3_600_000


def rests(count: int, seed: int, start_ms: int, skip: int = 0) -> Iterator[str]:
    """The JSON of events without the leading `{"id":"…",`: whoever sends them numbers them.

    The stream goes on where `skip` events would have left it.
    """
    done = 0
    while done < count:
        size = min(20_000, count - done)
        yield from _some(np.random.default_rng([seed, skip, done]), size, start_ms, skip + done)
        done += size


def bodies(count: int, seed: int, start_ms: int, skip: int = 0) -> list[bytes]:
    """Whole events, numbered."""
    numbered = enumerate(rests(count, seed, start_ms, skip), skip)
    return [f'{{"id":"ev-{seed}-{i:09d}",{rest}'.encode() for i, rest in numbered]


def _some(rng: np.random.Generator, size: int, start_ms: int, begin: int) -> Iterator[str]:
    card = (CARDS * rng.random(size) ** 2).astype(np.int64)
    user = card * 2 // 3
    device = user * 3 // 2 + rng.integers(0, 2, size)
    ip = np.where(rng.random(size) < 0.1, rng.integers(0, 2_000, size), 10_000 + user // 2)
    merchant = (MERCHANTS * rng.random(size) ** 2).astype(np.int64)
    amount = np.exp(rng.normal(8.5, 1.2, size)).astype(np.int64) + 100
    at_ms = start_ms + (begin + np.arange(size)) * STEP_MS - rng.integers(0, 2_000, size)
    home = rng.integers(0, len(COUNTRIES), size)
    away = rng.random((3, size)) < 0.1
    elsewhere = rng.integers(0, len(COUNTRIES), (3, size))
    country = [
        COUNTRIES[home],
        *(COUNTRIES[np.where(a, e, home)] for a, e in zip(away, elsewhere, strict=True)),
    ]
    columns = [
        at_ms, user, device, ip // 65_536, ip // 256 % 256, ip % 256, user, card,
        user, user % 50, user, merchant, begin + np.arange(size), amount,
        rng.choice(CURRENCIES, size, p=(0.6, 0.2, 0.1, 0.05, 0.05)), card % 160_000 + 400_000,
        rng.choice(BRANDS, size, p=(0.6, 0.35, 0.05)), *country,
        rng.choice(AVS, size, p=(0.85, 0.1, 0.05)), rng.choice(CVV, size, p=(0.93, 0.05, 0.02)),
        1 + rng.poisson(1.5, size), np.where(rng.random(size) < 0.2, "true", "false"),
        1 + rng.poisson(0.2, size), rng.integers(100, 130, size),
    ]  # fmt: skip
    for values in zip(*(column.tolist() for column in columns), strict=True):
        yield _TEMPLATE % values


_TEMPLATE = (
    '"type":"payment.attempted","at_ms":%d,"user":"u%07d","device":"d-%010d","ip":"10.%d.%d.%d",'
    '"session":"s-%012d","card":"tok-%010x","email":"user%d@example%d.com","phone":"+1555%07d",'
    '"merchant":"m-%05d","order":"o-%09d","amount_minor":%d,"currency":"%s","payment_method":"card",'
    '"card_bin":"%06d","card_brand":"%s","card_country":"%s","ip_country":"%s",'
    '"billing_country":"%s","shipping_country":"%s","avs_result":"%s","cvv_result":"%s",'
    '"items_count":%d,"is_guest":%s,"attempt_no":%d,'
    '"user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/%d.0"}'
)
