"""A house for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.step_up.building import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An installation's step-up."""
    made = House(tmp_path / "buyers.db")
    yield made
    made.room.store.close()
