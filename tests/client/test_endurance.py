"""A shop goes on selling while Kanhe is killed, and afterwards nothing is missing and nothing is double."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kanhe.client import Decision, Kanhe, events
from tests.client.conftest import eventually
from tests.client.serving import Served

BUYERS = 200
TWICE = 20
"""So many of them press the button twice."""
KILLED_AFTER = 60
"""So many orders are taken when Kanhe is killed."""

_PACK = {
    "pack.toml": """
[pack]
name = "endurance"
version = "1"
description_en = "Counts what arrives."
description_zh = "统计到达的事件。"
[money]
base = "EUR"
""",
    "features.kanhe": """
payments_1h = count("payment.attempted", by="merchant", over="1h")
orders_1h = count("order.placed", by="merchant", over="1h")
spent_1h = sum("order.placed", field="amount_minor", by="merchant", over="1h")
""",
    "rules/counts.kanhe": """
rule("counted", on="payment.attempted", when=payments_1h >= 1, points=1,
     en="{payments_1h} payments, {orders_1h} orders, {spent_1h} spent",
     zh="{payments_1h} 笔付款，{orders_1h} 张订单，金额 {spent_1h}",
     tags=["OAT-001"], owner="tests")
""",
}


class Shop:
    """A table of orders, and a checkout that asks, takes the order, and tells of it."""

    def __init__(self, path: Path, kanhe: Kanhe) -> None:
        self._kanhe = kanhe
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, state TEXT) STRICT")
        self.decisions: list[Decision] = []
        self.failures: list[BaseException] = []

    def check_out(self, buyer: int) -> None:
        """Buy once. A second press of the button comes with the same ids, and is the same purchase."""
        try:
            found = self._kanhe.decide(
                events.PaymentAttempted(
                    id=f"pay-{buyer}", user=f"u-{buyer}", card=f"tok_{buyer}", merchant="m-1",
                    order=f"o-{buyer}", amount_minor=1000 + buyer, currency="EUR",
                )
            )  # fmt: skip
            if found.outcome in ("allow", "challenge"):
                self._take_order(f"o-{buyer}", "paid" if found.outcome == "allow" else "to confirm")
                self._kanhe.record(
                    events.OrderPlaced(
                        id=f"order-{buyer}", user=f"u-{buyer}", merchant="m-1", order=f"o-{buyer}",
                        amount_minor=1000 + buyer, currency="EUR",
                    )
                )  # fmt: skip
            self.decisions.append(found)
        except BaseException as error:
            self.failures.append(error)
            raise

    def _take_order(self, order: str, state: str) -> None:
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO orders VALUES (?, ?)", (order, state))

    def orders(self) -> dict[str, str]:
        """Every order with its state."""
        with self._lock:
            return dict(self._db.execute("SELECT id, state FROM orders").fetchall())

    def close(self) -> None:
        """Close the table."""
        self._db.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A real server over a pack that counts what arrives."""
    pack, data = tmp_path / "pack", tmp_path / "data"
    for name, text in _PACK.items():
        (pack / name).parent.mkdir(parents=True, exist_ok=True)
        (pack / name).write_text(text, "utf-8")
    data.mkdir()
    one = Served(data, "--open", "--policy", str(pack))
    yield one
    one.end()


def _journaled(url: str) -> int:
    """How many events the journal holds."""
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    (line,) = [one for one in lines if one.startswith("kanhe_journal_seq ")]
    return int(float(line.split()[1]))


@pytest.mark.slow
def test_killing_kanhe_costs_no_order(served: Served, tmp_path: Path) -> None:
    """With Kanhe killed in the middle of 200 checkouts at once, every order is taken, none twice; who got
    no answer got the declared one; and after a restart every event counts exactly once."""
    kanhe = Kanhe(
        served.url, queue=tmp_path / "queue.db", timeout=2.0,
        fallback={"payment.attempted": "challenge", "*": "allow"},
    )  # fmt: skip
    shop = Shop(tmp_path / "shop.db", kanhe)
    buyers = [*range(BUYERS), *range(TWICE)]
    together = threading.Barrier(len(buyers))
    killing = threading.Event()

    def buy(buyer: int) -> None:
        together.wait()
        if buyer % 2:
            # However fast the machine is, half of them are in the middle of it when Kanhe is killed.
            killing.wait(30)
        shop.check_out(buyer)

    threads = [threading.Thread(target=buy, args=(buyer,)) for buyer in buyers]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(shop.orders()) >= KILLED_AFTER, 30)
    killing.set()
    served.end(signal.SIGKILL)
    killed_at = len(shop.orders())
    for thread in threads:
        thread.join(60)

    # The shop has sold to everybody, as declared, once.
    assert shop.failures == []
    assert len(shop.decisions) == len(buyers)
    assert sorted(shop.orders()) == sorted(f"o-{buyer}" for buyer in range(BUYERS))
    answered = {found.event_id for found in shop.decisions if not found.fallback}
    fallen = [found for found in shop.decisions if found.fallback]
    assert len(answered) >= killed_at - TWICE >= KILLED_AFTER - TWICE
    assert fallen, "Kanhe was killed too late for this to show anything"
    assert Counter(found.outcome for found in fallen) == {"challenge": len(fallen)}
    states = shop.orders()
    only_fallen = {found.event_id.removeprefix("pay-") for found in fallen} - {
        one.removeprefix("pay-") for one in answered
    }
    assert all(states[f"o-{buyer}"] == "to confirm" for buyer in only_fallen)
    assert kanhe.pending > 0
    assert kanhe.stats.lost == 0

    # Kanhe comes back: what waited arrives, and what it had decided before it died is not counted twice.
    served.start()
    assert kanhe.flush(30)
    assert kanhe.stats.refused_kept == 0
    assert _journaled(served.url) == 2 * BUYERS
    last = kanhe.decide(
        events.PaymentAttempted(
            id="last", user="u-last", merchant="m-1", amount_minor=1, currency="EUR"
        )
    )
    spent = sum(1000 + buyer for buyer in range(BUYERS))
    assert not last.fallback
    assert last.reasons[0].text.en == f"{BUYERS + 1} payments, {BUYERS} orders, {spent} spent"
    kanhe.close()
    shop.close()
