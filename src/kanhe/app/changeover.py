"""Making another pack's memory ready beside the one that judges.

(1) Another process takes all rows into a memory of the new pack and saves it (`warm_up`).
(2) A thread of this process makes the path of the new pack and loads what was saved. Nearly all of it
    is reading, hashing and copying, during which the interpreter is free.
(3) Rows that came meanwhile are taken in by and by, a few milliseconds after each group.
(4) As soon as no row is missing, the new path is as good as the old one, and can take its place
    between two groups.

What is not finished when this process dies is begun again by the next one.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Protocol

from kanhe.core.errors import KanheError, StorageError
from kanhe.flow import Flow
from kanhe.record.journal.ports import Journal, Row
from kanhe.stores.files.snapshots import SnapshotFolder

_log = logging.getLogger("kanhe.app")
_AGAIN_S = 60.0


class Helper(Protocol):
    """Starts the process of step (1)."""

    def start(self, policy: str) -> None:
        """Have the memory of this pack made ready."""

    def busy(self) -> bool:
        """Whether it is still at it."""

    def stop(self) -> None:
        """End it."""

    def shadow(self, policy: str) -> None:
        """Have this pack judge in shadow from now on; none if it is empty. Called again and again."""


class Changeover:
    """One pack on its way into this process."""

    def __init__(
        self,
        policy: str,
        journal: Journal,
        make: Callable[[str], Flow],
        warmed: SnapshotFolder | None = None,
        helper: Helper | None = None,
    ) -> None:
        """`make` gives the path of a pack, empty of events. Without a `helper` all rows are taken in
        here, which takes as long as a start without snapshot."""
        self.policy = policy
        self.trouble = ""
        self._journal = journal
        self._make = make
        self._warmed = warmed
        self._helper = helper
        self._flow: Flow | None = None
        self._rows: Iterator[Row] | None = None
        self._loaded = False
        self._thread: threading.Thread | None = None
        self._last = 0
        self._failed_at = 0.0
        if helper is not None:
            helper.start(policy)

    def chase(self, budget_s: float) -> Flow | None:
        """Go on for about so long; gives the path once it is where the journal is."""
        flow = self._loaded_flow()
        if flow is None:
            return None
        end = monotonic() + budget_s
        while flow.seq < self._journal.last_seq():
            if monotonic() > end:
                return None
            self._some(flow, end)
        return flow

    def wait(self) -> Flow:
        """The path, ready: for those who have nothing else to do."""
        while (flow := self.chase(60.0)) is None:
            if self.trouble:
                raise KanheError(self.trouble)
            if self._thread is not None:
                self._thread.join(0.05)
        return flow

    def close(self) -> None:
        """Give it up."""
        if self._helper is not None:
            self._helper.stop()
        if self._thread is not None:
            self._thread.join()

    def _some(self, flow: Flow, end: float) -> None:
        if self._rows is None:
            self._rows = self._journal.rows(flow.seq)
        for row in self._rows:
            flow.replay(row)
            if monotonic() > end:
                return
        self._rows = None

    def _loaded_flow(self) -> Flow | None:
        """Steps (1) and (2), as far as they have come."""
        if self._loaded:
            return self._flow
        if self._failed_at and monotonic() - self._failed_at < _AGAIN_S:
            return None
        if self._helper is not None and self._helper.busy():
            return None
        if self._thread is None:
            self._last = self._journal.last_seq()
            self._thread = threading.Thread(target=self._load, name="kanhe-changeover", daemon=True)
            self._thread.start()
            return None
        if self._thread.is_alive():
            return None
        self._thread = None
        if self._flow is None:
            self._failed_at = monotonic()
            _log.error("policy.not_ready", extra={"policy": self.policy, "cause": self.trouble})
            return None
        self._loaded = True
        return self._flow

    def _load(self) -> None:
        """Step (2), in a thread of its own."""
        try:
            flow = self._make(self.policy)
            flow.reader.warm()
            flow.features.warm()
            flow.rules.warm()
            flow.seq = 0
            self._flow = load_into(flow, self._warmed, self._last) or self._make_empty()
        except (KanheError, OSError) as error:
            self.trouble = str(error)

    def _make_empty(self) -> Flow:
        flow = self._make(self.policy)
        flow.seq = 0
        return flow


def load_into(flow: Flow, folder: SnapshotFolder | None, last: int) -> Flow | None:
    """Load the newest snapshot up to row `last` into an empty path. The same path without one that
    fits; `None` if the path was spoilt by one that does not."""
    found = None
    if folder is not None:
        # What was made ready is only a shortcut: somebody may have removed it meanwhile.
        with suppress(StorageError):
            found = folder.newest(last)
    if found is None or found[1].get("pack") != flow.pack.hash.encode():
        return flow
    seq, parts = found
    try:
        fits = flow.features.load(parts)
        flow.lists.load(parts["lists"])
        flow.governor.load(parts["governor"])
    except (KanheError, KeyError, ValueError):
        fits = False
    if not fits:
        return None
    flow.seq = seq
    return flow


def warmed_folder(data_dir: Path, policy: str) -> Path:
    """Where the memory of a pack is kept while it is made ready."""
    return data_dir / "warm" / policy.removeprefix("sha256:")[:32]


def drop_warmed(data_dir: Path) -> None:
    """Destroy all memory that was made ready: somebody may have been erased since."""
    with suppress(FileNotFoundError):
        shutil.rmtree(data_dir / "warm")


def warm_up(
    flow: Flow,
    open_rows: Callable[[int], tuple[int, Iterator[Row]]],
    folder: SnapshotFolder,
    progress: Callable[[int, int], None] = lambda done, total: None,
    near: int = 20_000,
) -> int:
    """Step (1): have an empty path take in all rows, and those that came meanwhile, until only some `near` are missing;
    then save. Gives the last row taken in.

    `open_rows` gives the last number that is there now, and the rows behind a number.
    """
    flow.seq = 0
    while True:
        last, rows = open_rows(flow.seq)
        missing = last - flow.seq
        for row in rows:
            flow.replay(row)
            if row.seq % 10_000 == 0:
                progress(row.seq, last)
        flow.seq = last
        if missing <= near:
            break
    folder.save(
        flow.seq,
        {
            "pack": flow.pack.hash.encode(),
            "lists": flow.lists.dump(),
            "governor": flow.governor.dump(),
            **flow.features.dump(),
        },
    )
    return flow.seq
