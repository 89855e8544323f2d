"""Casework: alerts become cases, and people decide. What the console calls.

`take_up`, `sweep` and `tend` are called by the loop beside the console; the rest is asked by pages,
each time with the `Actor` who asks: nobody sees or changes what is another tenant's.
"""

from __future__ import annotations

from pathlib import Path

from kanhe.app.casework.chores import Chores
from kanhe.app.casework.files import Files, Store
from kanhe.app.casework.people import Colleague, Nobody, People
from kanhe.app.casework.queues import Page, Queues, ViewError
from kanhe.app.casework.taking_up import TakingUp
from kanhe.app.casework.viewing import CaseView, Viewing
from kanhe.app.casework.work import CaseNotFound, Listing, Result, Work
from kanhe.app.kept_packs import KeptPacks
from kanhe.core.time import Clock
from kanhe.record.journal.ports import ErasureReader, JournalReader
from kanhe.respond.standing import Orders, OrdersError, read_orders
from kanhe.stores.desk.database import Desk
from kanhe.stores.files.evidence_folder import EvidenceFolder, EvidenceInMemory

__all__ = [
    "CaseNotFound", "CaseView", "Casework", "Colleague", "Listing", "Page", "Result", "ViewError",
    "open_casework",
]  # fmt: skip

ORDERS_FILE = "casework.toml"
"""Standing orders, in the data folder."""
EVIDENCE = "evidence"
"""The folder of files that people add to cases, in the data folder."""


class Casework:
    """All that is done with alerts and cases at one desk. Safe to use from several threads."""

    def __init__(
        self, desk: Desk, clock: Clock, orders: Orders, people: People, store: Store, key: bytes
    ) -> None:
        packs = KeptPacks()
        self.orders = orders
        self.queues = Queues(desk, clock, orders, people)
        self.work = Work(desk, clock, orders, people, key)
        self.viewing = Viewing(desk, clock, people)
        self.files = Files(desk, clock, store)
        self._taking_up = TakingUp(desk, clock, orders, packs)
        self._chores = Chores(desk, clock)

    def take_up(self, journal: JournalReader) -> int:
        """Take up the next rows of the journal, exactly once; gives how many there were.

        Raises `StorageError`, and then nothing was taken up.
        """
        return self._taking_up.take_up(journal)

    def sweep(self, journal: ErasureReader) -> int:
        """Forget what the desk copied of people who were erased since; gives how many alerts."""
        return self._taking_up.sweep(journal)

    def tend(self) -> int:
        """Wake, pass on and close what is due; gives how many cases changed."""
        return self._chores.tend()


def open_casework(
    desk: Desk, clock: Clock, folder: Path | None, people: People | None, key: bytes
) -> Casework:
    """The casework of an installation in `folder`; without one, everything is in memory.

    `key` is the installation's secret. Raises `OrdersError` if the standing orders are mistaken.
    """
    orders = Orders()
    store: Store = EvidenceInMemory()
    if folder is not None:
        orders = _orders_in(folder / ORDERS_FILE)
        store = EvidenceFolder(folder / EVIDENCE)
    return Casework(desk, clock, orders, people or Nobody(), store, key)


def _orders_in(path: Path) -> Orders:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Orders()
    except (OSError, UnicodeDecodeError) as error:
        raise OrdersError(f"cannot read {path}: {error}") from None
    return read_orders(text, str(path))
