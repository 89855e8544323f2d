"""The audit finds what was altered, and names the first of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.errors import KanheError
from kanhe.record.journal.ports import Row, erased
from kanhe.record.log.audit import Audited, Misfit, audit
from kanhe.record.log.note import NoteKey, NoteSigner
from kanhe.stores.memory.log_folder import MemoryLogFolder
from tests.log.test_sequencer import ENTRIES, KEY, NEXT_KEY, ORIGIN, Journal, row, sequencer

SIZES = (3, 250, 256, 259, 300, 520)


@pytest.fixture
def log() -> MemoryLogFolder:
    """A log of 520 rows, signed at six sizes by one key and then by another."""
    journal, made = Journal(), MemoryLogFolder()
    for size in SIZES:
        journal.size = size
        sequencer(journal, made, [KEY] if size < 300 else [KEY, NEXT_KEY]).fold()
    return made


def audited(
    log: MemoryLogFolder,
    rows: Iterator[Row] | None = None,
    total: int = 520,
    keys: tuple[NoteKey, ...] = (KEY.key, NEXT_KEY.key),
) -> Audited:
    """Audit it against rows, by default its own."""
    rows = map(row, range(1, total + 1)) if rows is None else rows
    return audit(log, rows, total, ENTRIES, ORIGIN, keys)


def test_what_fits_is_told(log: MemoryLogFolder) -> None:
    """Sizes, keys and what is not folded yet stand in the result, and progress was told on the way."""
    told: list[tuple[int, int]] = []
    rows = map(row, range(1, 601))
    found = audit(
        log,
        rows,
        600,
        ENTRIES,
        ORIGIN,
        [KEY.key, NEXT_KEY.key],
        progress=lambda *done: told.append(done),
    )
    assert (found.size, found.waiting, found.signed, found.erased) == (520, 80, 6, 0)
    assert found.keys == (str(KEY.key), str(NEXT_KEY.key))
    assert told[-1] == (520, 600)
    assert audited(MemoryLogFolder(), total=0) == Audited(
        0, 0, 0, (), 0, audited(MemoryLogFolder(), total=0).root
    )


def test_a_flipped_bit_of_any_file_is_found(log: MemoryLogFolder) -> None:
    """In every published file, one bit of every 331st byte: each time the audit ends with what is wrong."""
    for path, content in list(log._files.items()):
        for at in {*range(0, len(content), 331), len(content) - 1}:
            log._files[path] = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            with pytest.raises(KanheError):
                audited(log)
        log._files[path] = content
    audited(log)


def test_a_flipped_bit_of_anything_that_was_signed_is_found(log: MemoryLogFolder) -> None:
    """The history of signatures is held to its keys, note by note."""
    for number, note in enumerate(log._notes):
        for at in range(0, len(note), 17):
            log._notes[number] = note[:at] + bytes([note[at] ^ 1]) + note[at + 1 :]
            with pytest.raises(KanheError):
                audited(log)
        log._notes[number] = note
    audited(log)


@settings(max_examples=60)
@given(st.integers(1, 520), st.sampled_from(["body", "answer", "salt", "policy", "type", "at_ms"]))
def test_an_altered_row_is_named(seq: int, field: str) -> None:
    """Whichever row was altered, and whatever of it the log commits to, the audit names the row."""
    log = _LOG()
    altered: dict[str, Any] = {
        "body": row(seq).body.replace(b'"e', b'"f'), "answer": row(seq).answer + b" ",
        "salt": bytes(32), "policy": "sha256:q", "type": "payment.declined", "at_ms": 5_000,
    }  # fmt: skip
    rows = [row(n) for n in range(1, 521)]
    rows[seq - 1] = rows[seq - 1]._replace(**{field: altered[field]})
    with pytest.raises(Misfit, match=f"row {seq} of the journal does not fit") as caught:
        audited(log, iter(rows))
    assert caught.value.seq == seq


def _built() -> Callable[[], MemoryLogFolder]:
    journal, made = Journal(), MemoryLogFolder()
    for size in SIZES:
        journal.size = size
        sequencer(journal, made, [KEY] if size < 300 else [KEY, NEXT_KEY]).fold()
    return lambda: made


_LOG = _built()


def test_missing_added_and_swapped_rows_are_found(log: MemoryLogFolder) -> None:
    """A row that was deleted, with or without renumbering, and two that changed places."""
    rows = [row(n) for n in range(1, 521)]
    with pytest.raises(Misfit, match="row 7 of the journal is missing"):
        audited(log, iter(rows[:6] + rows[7:]))
    renumbered = [one._replace(seq=n) for n, one in enumerate(rows[:6] + rows[7:], 1)]
    with pytest.raises(Misfit, match="row 7 of the journal does not fit"):
        audited(log, iter(renumbered), total=519)
    swapped = rows.copy()
    swapped[8], swapped[9] = rows[9]._replace(seq=9), rows[8]._replace(seq=10)
    with pytest.raises(Misfit, match="row 9 of the journal does not fit"):
        audited(log, iter(swapped))
    with pytest.raises(Misfit, match="has an entry for row 501, and the journal has no such row"):
        audited(log, iter(rows[:500]), total=500)


def test_a_log_made_anew_under_another_key_is_found_by_whoever_knows_the_first(
    log: MemoryLogFolder,
) -> None:
    """Replacing journal, files, signatures and key together fits in itself, and not the noted key."""
    del log
    thief = NoteSigner(ORIGIN, bytes([66]) * 32)
    forged, journal = MemoryLogFolder(), Journal()
    journal.size = 520
    sequencer(journal, forged, [thief]).fold()
    assert audited(forged, keys=(thief.key,)).size == 520
    with pytest.raises(Misfit, match="no key that is trusted"):
        audited(forged)


def test_a_history_that_forks_or_shrinks_is_found(log: MemoryLogFolder) -> None:
    """Signatures on two histories contradict each other, whoever has them in one folder."""
    fork, journal = MemoryLogFolder(), Journal()
    for size in (100, 300):
        journal.size = size
        sequencer(
            lambda after: (row(n)._replace(at_ms=0) for n in range(after + 1, journal.size + 1)),
            fork,
        ).fold()  # type: ignore[arg-type]  # other rows, read the same way
    notes = log._notes.copy()
    log._notes = [*notes[:5], fork._notes[1], notes[5]]
    with pytest.raises(Misfit, match="two roots were signed for one size, 300"):
        audited(log)
    log._notes = [*notes, fork._notes[0]]
    with pytest.raises(Misfit, match="a log never shrinks"):
        audited(log)
    log._notes = [*notes[:1], fork._notes[0], *notes[1:]]
    with pytest.raises(Misfit, match="the root that was signed for 100 entries"):
        audited(log)


def test_files_that_went_missing_are_named(log: MemoryLogFolder) -> None:
    """A tile, a bundle, the checkpoint, or the last signature."""
    for path, said in (
        ("tile/0/000", "tile/0/000 is missing"), ("tile/entries/001", "tile/entries/001.p/3 is missing"),
        ("tile/0/002.p/8", "tile/0/002.p/8 is missing"), ("checkpoint", "none is published"),
    ):  # fmt: skip
        content = log._files.pop(path)
        with pytest.raises(Misfit, match=said):
            audited(log)
        log._files[path] = content
    log._notes.pop()
    with pytest.raises(Misfit):
        audited(log)


def test_erased_rows_fit_by_what_is_left_of_them(log: MemoryLogFolder) -> None:
    """An erased row is compared by its entry, and counted; a row that was only emptied is found."""
    rows = [row(n) for n in range(1, 521)]
    rows[4] = erased(rows[4], ENTRIES.of(rows[4]))
    assert audited(log, iter(rows)).erased == 1
    rows[5] = erased(rows[5], b'{"v":1}')
    with pytest.raises(Misfit, match="row 6 of the journal does not fit"):
        audited(log, iter(rows))
