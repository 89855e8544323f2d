"""kill -9 at any moment loses nothing that was answered, and doubles nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

LIVES = 60


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_sixty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """After 60 kills every answered event is there once, and memory equals the journal replayed."""
    program = Path(__file__).with_name("lives.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "data"), str(LIVES), "7"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    numbers = [int(n) for n in re.findall(r"\d+", done.stdout.splitlines()[-1])]
    lives, answers, rows, snapshots = numbers
    assert lives == LIVES
    assert answers > 1000 and rows >= 1000, "the lives were too short to prove anything"
    assert snapshots > LIVES // 2, "snapshots were hardly ever in play"
