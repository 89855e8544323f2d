"""kill -9: what was answered is so, and nothing that was used works again."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from kanhe.core.errors import Refusal
from tests.step_up.building import PAYMENT, House

ROOT = Path(__file__).parents[2]


def test_a_used_code_stays_used_when_the_process_is_killed(tmp_path: Path) -> None:
    """Each confirm that was answered can be redeemed once and not confirmed again, and is told once."""
    path = tmp_path / "buyers.db"
    answered = []
    with subprocess.Popen(
        [sys.executable, "-m", "tests.step_up.killed", str(path)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            answered.append(line.split())
            if len(answered) == 40:
                process.kill()
        # What was printed between the last look and the kill was answered as well.
    answered = [parts for parts in answered if len(parts) == 4]
    house = House(path)
    for user, id, code, confirmation in answered:
        with pytest.raises(Refusal, match="passed already"):
            house.asking.confirm("shop", id, PAYMENT, code, "")
        said = {"user": user, "purpose": "payment", **PAYMENT}
        assert not house.asking.redeem("shop", id, confirmation, said, "").repeated
    told = Counter((event["type"], event["step_up"]) for event in house.events())
    assert set(told.values()) == {1}
    assert {("step_up.passed", id) for _, id, _, _ in answered} <= told.keys()
    house.room.store.close()
