"""The life of the packs of an installation that nobody judges with just now: no memory is needed for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanhe.app.changeover import warm_up, warmed_folder
from kanhe.app.ledger import JOURNAL_FILE, Progress
from kanhe.app.opening import installation_key, open_history, settings_pack
from kanhe.app.policies import Policies, read_life
from kanhe.core.errors import StorageError
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.flow import Flow
from kanhe.judge.policy.pack import Pack
from kanhe.record.journal.ports import NOTED, Row
from kanhe.record.journal.recorded import messages_of
from kanhe.replay import History
from kanhe.replay.history import PackProblem, kept_pack
from kanhe.stores.files.lock import FolderLock
from kanhe.stores.files.snapshots import SnapshotFolder
from kanhe.stores.sqlite.journal import SqliteJournal


class _Notes:
    """Writes rows into a journal that nobody else writes. Implements `policies.Notes`."""

    def __init__(self, journal: SqliteJournal, policy: str, clock: Clock) -> None:
        self.journal = journal
        self.policy = policy
        self._clock = clock

    def note(self, happening: str, name: str, body: bytes) -> None:
        """Write a row, durable when it returns."""
        at_ms = self._clock()
        row = Row(
            self.journal.last_seq() + 1, "", name, NOTED, happening, at_ms, at_ms, self.policy, body,
            b"", b"",
        )  # fmt: skip
        self.journal.append(row, messages_of(row))
        self.journal.commit()


@contextmanager
def open_policies(settings: Settings, clock: Clock) -> Iterator[Policies]:
    """The packs of the installation and their steps, while no other process judges there.

    What comes into force does so when the next process begins to judge. Raises `FolderInUse`,
    `StorageError`, `PolicyErrors` if the pack of the settings has mistakes.
    """
    folder = Path(settings.data_dir)
    lock = FolderLock(folder)
    try:
        journal = SqliteJournal(folder / JOURNAL_FILE)
        try:
            # A journal without it cannot be read again.
            installation_key(folder)
            life = read_life(journal)
            policy = life.in_force
            if not life.begun:
                pack = settings_pack(settings)
                journal.keep_policy(pack.hash, pack.archive)
                policy = pack.hash
            yield Policies(_Notes(journal, policy, clock), life, clock)
        finally:
            journal.close()
    finally:
        lock.release()


def kept_policy(history: History, policy: str) -> Pack:
    """The pack that the journal keeps under a hash. Raises `StorageError` if there is none to use."""
    pack = kept_pack(history.journal, policy)
    if isinstance(pack, PackProblem):
        raise StorageError(f"the pack {policy} cannot be used: {pack.state} {pack.why}".strip())
    return pack


def warm_policy(settings: Settings, policy: str, progress: Progress) -> int:
    """Make the memory of a kept pack ready beside whoever judges; gives the last row taken in.

    Raises `StorageError`.
    """
    flow = _flow_of(settings, policy)

    def open_rows(after: int) -> tuple[int, Iterator[Row]]:
        def rows(last: int) -> Iterator[Row]:
            with open_history(settings) as again:
                assert again is not None, "a journal does not go away"
                yield from (row for row in again.journal.rows(after) if row.seq <= last)

        with open_history(settings) as now:
            assert now is not None, "a journal does not go away"
            last = now.journal.last_seq()
        return last, rows(last)

    folder = SnapshotFolder(warmed_folder(Path(settings.data_dir), policy))
    return warm_up(flow, open_rows, folder, progress)


def _flow_of(settings: Settings, policy: str) -> Flow:
    """The path of a kept pack, empty of events."""
    with open_history(settings) as history:
        if history is not None:
            return history.wire(kept_policy(history, policy))
    raise StorageError(f"nothing was ever judged in {settings.data_dir}")
