"""Asking for somebody to be erased, beside whoever writes the journal; `upkeep` carries it out."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kanhe.app.ledger import ERASURES, JOURNAL_FILE, Progress
from kanhe.app.opening import settings_pack
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.judge.policy.pack import Pack
from kanhe.judge.rules.lists import spelled
from kanhe.record.erasure import Erasure, names_of
from kanhe.replay.history import kept_pack
from kanhe.stores.files.erasures import ErasureFolder
from kanhe.stores.sqlite.reader import SqliteJournalReader


def find_person(settings: Settings, erasure: Erasure, progress: Progress) -> Erasure:
    """Search the journal for the rows that a request is about; gives the request back with them, and
    with names as events spell them.

    Raises `PolicyErrors` if the policy pack has mistakes: it says what the lists hold.
    """
    path = Path(settings.data_dir) / JOURNAL_FILE
    pack = _pack_in_force(path, settings)
    erasure = msgspec.structs.replace(
        erasure, names=tuple((kind, spelled(kind, id) or id) for kind, id in erasure.names)
    )
    names = names_of(erasure, {spec.name: spec.holds for spec in pack.lists})
    found: list[int] = []
    upto = 0
    if path.exists():
        journal = SqliteJournalReader(path)
        try:
            last = journal.last_seq()
            for row in journal.rows():
                if names(row):
                    found.append(row.seq)
                upto = row.seq
                if upto % 10_000 == 0:
                    progress(upto, last)
        finally:
            journal.close()
    return msgspec.structs.replace(erasure, upto=upto, rows=tuple(found))


def _pack_in_force(path: Path, settings: Settings) -> Pack:
    """The pack that the last row of the journal names; that of the settings where there is none."""
    if path.exists():
        journal = SqliteJournalReader(path)
        try:
            for row in journal.rows(journal.last_seq() - 1):
                pack = kept_pack(journal, row.policy)
                if isinstance(pack, Pack):
                    return pack
        finally:
            journal.close()
    return settings_pack(settings)


def forget_buyer(settings: Settings, erasure: Erasure, clock: Clock) -> int:
    """Destroy at once what is kept for step-up about somebody; gives how much that was."""
    from kanhe.app.stepping_up.opening import StepUps

    step_ups = StepUps(settings, clock)
    try:
        return step_ups.forget(erasure.tenant, erasure.names)
    finally:
        step_ups.close()


def ask_to_erase(settings: Settings, erasure: Erasure) -> None:
    """Hand a request over to whoever writes the journal; durable when it returns."""
    ErasureFolder(Path(settings.data_dir) / ERASURES).ask(erasure)


def erasure_is_open(settings: Settings, id: str) -> bool:
    """Whether a request is not done yet."""
    return ErasureFolder(Path(settings.data_dir) / ERASURES).is_open(id)
