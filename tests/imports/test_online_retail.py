"""The real order lines of the example, where the file is present."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kanhe.judge.intake.accounting import ImportReport
from kanhe.judge.intake.importing import MappedEvent
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from kanhe.stores.files.tabular import import_table
from tests.imports.shop_tables import ONLINE_RETAIL, ROOT, mapping

FILE = Path(os.environ.get("KANHE_DATA", ROOT.parent / "shared" / "data")) / (
    "orders_online_retail.parquet"
)

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not on this machine")


@pytest.mark.slow
def test_every_real_line_is_accounted_for() -> None:
    """541,909 lines: each is in an accepted event or set aside under a kind with the known count."""
    made = mapping(ONLINE_RETAIL.read_text("utf-8"))
    report, reader, last = ImportReport(made), Reader(builtin()), 0
    cents = {"order.placed": 0, "order.cancelled": 0}
    for result in import_table(FILE, made):
        report.take(result)
        if isinstance(result, MappedEvent):
            event = reader.read("shop", result.body, 2_000_000_000_000).event
            assert event.at_ms >= last, "events come in order of time"
            last = event.at_ms
            cents[result.type] += event.amount_minor  # type: ignore[attr-defined]
    assert report.balanced()
    assert report.lines_read == 541_909
    assert {c.kind.name: c.lines for c in report.set_aside()} == {
        "stock-write-off": 1336, "zero-price": 1179, "bookkeeping": 227, "bad-debt": 3,
    }  # fmt: skip
    assert report.refused() == []
    assert {c.kind.name: c.lines for c in report.noted()} == {"guest": 132_480, "no-country": 1265}
    assert report.events == {"order.placed": 19_944, "order.cancelled": 3_682}
    assert report.lines_in_events == 539_164
    # Added up independently, as exact decimals in SQL over the same lines.
    assert cents == {"order.placed": 1_064_163_334, "order.cancelled": 63_744_817}
