"""A small file in the columns of the handbook: some cards, some terminals, two kinds of fraud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = ("TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD")


def table(days: int = 30, a_day: int = 150, seed: int = 1) -> dict[str, Any]:
    """Fraud by amounts far above the card's own, and at terminals that are compromised for four weeks."""
    rng = np.random.default_rng(seed)
    count = days * a_day
    seconds = np.sort(rng.choice(days * 86_400, count, replace=False))
    card, terminal = rng.integers(0, 900, count), rng.integers(0, 60, count)
    amount = np.round(20.0 + card % 50 + rng.normal(0, 5, count), 2)
    taken = (rng.random(count) < 0.04) & (card % 3 == seconds // 604_800 % 3)
    amount[taken] = np.round(amount[taken] * 5, 2)
    compromised = (terminal == seconds // (4 * 604_800)) & (rng.random(count) < 0.9)
    return {
        "TRANSACTION_ID": np.arange(count),
        "TX_DATETIME": np.datetime64("2018-04-01T00:00:00", "ns") + seconds * 10**9,
        "CUSTOMER_ID": card,
        "TERMINAL_ID": terminal,
        "TX_AMOUNT": np.abs(amount),
        "TX_FRAUD": (taken | compromised).astype(np.int64),
    }


def write(path: Path, columns: dict[str, Any]) -> Path:
    """Write a table as Parquet."""
    pq.write_table(pa.table(columns), path)
    return path
