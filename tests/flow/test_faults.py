"""A fault table: every step breaks once before and once after it took effect."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kanhe.app import Kanhe
from kanhe.core.errors import StorageError
from tests.flow.packs import decided, opened, payment


class Breaks:
    """Stands in for a part of the path; one method fails once, before or after it took effect."""

    def __init__(self, part: Any, method: str, after: bool) -> None:
        self._part, self._method, self._after, self._armed = part, method, after, True

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._part, name)
        if name != self._method or not self._armed:
            return real

        def broken(*args: Any, **options: Any) -> Any:
            self._armed = False
            if self._after:
                real(*args, **options)
            raise StorageError("the fault of this test")

        return broken


STEPS = (
    ("reader", "read_group"),
    ("journal", "find_each"),
    ("features", "observe_group"),
    ("rules", "screen"),
    ("rules", "signals"),
    ("journal", "extend_columns"),
    ("lists", "prolong"),
    ("journal", "commit"),
)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("part", "method"), STEPS)
def test_whatever_breaks_a_retry_is_exactly_once(
    tmp_path: Path, part: str, method: str, after: bool
) -> None:
    """After any fault the same event can be sent again, stands there once, and memory is right."""
    with opened(tmp_path) as kanhe:
        for i in range(3):
            kanhe.judge("a", payment(f"e{i}", i))
            kanhe.commit()
        flow = kanhe._flow
        setattr(flow, part, Breaks(getattr(flow, part), method, after))
        with pytest.raises(StorageError, match="the fault of this test"):
            _judge_and_commit(kanhe, payment("e3", 3))
        kanhe.commit()
        answer = kanhe.judge("a", payment("e3", 3)).answer
        kanhe.commit()
        kanhe.judge("a", payment("e4", 4))
        kanhe.commit()
        assert decided(answer)["outcome"] == "deny"
        rows = list(kanhe.journal.rows())
        assert [(row.seq, row.event_id) for row in rows] == [(i + 1, f"e{i}") for i in range(5)]
        assert [m.seq for _, m in kanhe.journal.outbox()] == [4, 5]
        assert kanhe.state() == _rebuilt(kanhe)


def test_a_fault_in_the_middle_of_a_group_keeps_its_neighbours(tmp_path: Path) -> None:
    """Events gathered before the broken one are committed, those after it go on as usual."""
    with opened(tmp_path) as kanhe:
        kanhe.judge("a", payment("e0", 0))
        kanhe._flow.rules = Breaks(kanhe._flow.rules, "signals", after=False)  # type: ignore[assignment]
        with pytest.raises(StorageError):
            kanhe.judge("a", payment("e1", 1))
        kanhe.judge("a", payment("e2", 2))
        kanhe.commit()
        assert [row.event_id for row in kanhe.journal.rows()] == ["e0", "e2"]
        assert kanhe.state() == _rebuilt(kanhe)


def test_a_group_lost_while_memory_is_rebuilt_is_not_answered(tmp_path: Path) -> None:
    """If the disk fails just when a torn path saves its group, whoever waits for it hears so."""
    with opened(tmp_path) as kanhe:
        kanhe.judge("a", payment("e0", 0))
        kanhe._flow.rules = Breaks(kanhe._flow.rules, "signals", after=False)  # type: ignore[assignment]
        with pytest.raises(StorageError):
            kanhe.judge("a", payment("e1", 1))
        kanhe.journal._db = FullDisk(kanhe.journal._db)  # type: ignore[attr-defined]
        with pytest.raises(StorageError):
            kanhe.judge("a", payment("e2", 2))
        with pytest.raises(StorageError):
            kanhe.commit()
        kanhe.judge("a", payment("e0", 0))
        kanhe.commit()
        assert [row.event_id for row in kanhe.journal.rows()] == ["e0"]


class FullDisk:
    """Stands in for a connection; the first COMMIT fails as on a full disk."""

    def __init__(self, real: Any) -> None:
        self._real, self._armed = real, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, sql: str, *values: Any) -> Any:
        """Pass the statement on, unless it is the one to fail."""
        if self._armed and sql == "COMMIT":
            self._armed = False
            raise sqlite3.OperationalError("database or disk is full")
        return self._real.execute(sql, *values)


@pytest.mark.parametrize(
    "fault", [StorageError("unreadable"), ValueError("a fault of the program")]
)
def test_half_a_memory_never_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """If rebuilding breaks off, whatever broke it, it is done again before the next event, even
    when the clock was set back meanwhile."""
    now = [10**13]
    with opened(tmp_path) as kanhe:
        kanhe.clock = lambda: now[0]
        for i in range(3):
            kanhe.judge("a", payment(f"e{i}", i))
        kanhe.commit()
        state = kanhe.state()
        kanhe._snapshots = None
        kanhe._flow.torn = True
        with monkeypatch.context() as patched:
            patched.setattr(kanhe, "_catch_up", lambda: (_ for _ in ()).throw(fault))
            with pytest.raises(type(fault)):
                kanhe.judge("a", payment("e0", 0))
        assert kanhe.stats().torn
        now[0] -= 86_400_000
        kanhe.judge("a", payment("e0", 0))
        assert kanhe.state() == state


def _judge_and_commit(kanhe: Kanhe, raw: bytes) -> None:
    kanhe.judge("a", raw)
    kanhe.commit()


def _rebuilt(kanhe: Kanhe) -> dict[str, bytes]:
    """The state that the journal alone gives."""
    kanhe._snapshots = None
    kanhe.recover()
    return kanhe.state()


FILLING = """
import sys
from pathlib import Path
from tests.flow.packs import opened, payment
from kanhe.core.errors import StorageError
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
kanhe = opened(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
answered, refused = [], 0
for i in range(3000):
    try:
        pending = kanhe.judge("a", payment(f"e{i}", i))
        kanhe.commit()
        answered.append(f"e{i}")
    except StorageError as error:
        refused += 1
        last = str(error)
        if refused > 20:
            break
assert refused > 20, "the disk never filled"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for i in range(3000, 3010):
    kanhe.judge("a", payment(f"e{i}", i))
    kanhe.commit()
    answered.append(f"e{i}")
kept = [row.event_id for row in kanhe.journal.rows()]
assert kept == answered, (len(kept), len(answered))
state = kanhe.state()
kanhe._snapshots = None
kanhe.recover()
assert kanhe.state() == state
print(last)
"""


def test_a_full_disk_refuses_clearly_and_recovers_when_there_is_room(tmp_path: Path) -> None:
    """With the files at their limit nothing is half kept, and with room again it goes on by itself."""
    assert resource.RLIM_INFINITY == -1
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", FILLING, str(tmp_path)],
        capture_output=True, text=True, check=False, env=env, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "full" in done.stdout or "space" in done.stdout, done.stdout
