"""kill -9 at any moment of the life of packs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LIVES = 40
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_forty_kills_leave_one_life(tmp_path: Path) -> None:
    """After 40 kills amid changes of packs and tripping caps, rows, memory, caps and moves agree."""
    program = Path(__file__).with_name("kills.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), str(LIVES), "3"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lives, answers, _, moves, packs = map(int, re.findall(r"\d+", done.stdout.splitlines()[-1]))
    assert lives == LIVES
    assert answers > 1_000 and moves > 50 and packs == 3, done.stdout
