"""The journal's process killed at any moment: what was acknowledged is there, once, without a gap."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from kanhe.stores.sqlite import seen
from kanhe.stores.sqlite.journal import SqliteJournal
from tests.stores.rows import message, row

_WRITER = textwrap.dedent(
    """
    import random, sys
    from pathlib import Path
    import kanhe.stores.sqlite.checkpoint as checkpoint
    from kanhe.stores.sqlite import journal as sqlite_journal
    from kanhe.stores.sqlite import seen
    from kanhe.stores.sqlite.journal import SqliteJournal
    from tests.stores.rows import message, row
    seen.GENERATION, seen.PARTS, seen.PART_SHIFT = 512, 8, 60
    sqlite_journal._SLICE = 16
    checkpoint.START_BYTES = 200_000
    checkpoint.REST_BYTES = 50_000
    checkpoint.STOP_BYTES = 800_000
    draw = random.Random(int(sys.argv[2]))
    journal = SqliteJournal(Path(sys.argv[1]))
    print("ready", flush=True)
    while True:
        first = journal.last_seq() + 1
        for seq in range(first, first + draw.randint(1, 60)):
            assert journal.find("shop", f"event-{seq}") is None
            journal.append(row(seq), (message(seq),) if seq % 3 == 0 else ())
        journal.commit()
        print(journal.last_seq(), flush=True)
    """
)


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each of 21 kills every acknowledged row is there once, with its message, and no half group."""
    monkeypatch.setattr(seen, "GENERATION", 512)
    monkeypatch.setattr(seen, "PARTS", 8)
    monkeypatch.setattr(seen, "PART_SHIFT", 60)
    path = tmp_path / "journal.db"
    draw, last = random.Random(7), 0
    for round_ in range(21):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(round_)],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0.0, 0.15))
        writer.send_signal(signal.SIGKILL)
        said = [int(line) for line in writer.stdout.read().splitlines(keepends=True)
                if line.endswith("\n")]  # fmt: skip
        writer.wait()
        writer.stdout.close()
        journal = SqliteJournal(path)
        last = journal.last_seq()
        assert last >= max(said, default=0)
        seqs = []
        for one in journal.rows():
            assert one == row(one.seq)
            seqs.append(one.seq)
        assert seqs == list(range(1, last + 1))
        for seq in draw.sample(seqs, min(300, last)):
            assert journal.find("shop", f"event-{seq}") == row(seq)
        assert journal.find("shop", f"event-{last + 1}") is None
        expected = [message(seq) for seq in range(3, last + 1, 3)]
        assert [sent for _, sent in journal.outbox(0, last + 1)] == expected
        assert journal._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        journal.close()
    assert last > 1_000
