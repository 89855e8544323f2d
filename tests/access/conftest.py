"""Offices for tests, on a file and in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.office import Office


@pytest.fixture
def office() -> Iterator[Office]:
    """An empty office, in memory."""
    made = Office()
    yield made
    made.desk.close()


@pytest.fixture(params=["file", "memory"])
def kept_office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """An empty office, on a file and in memory."""
    made = Office(tmp_path / "desk.db" if request.param == "file" else None)
    yield made
    made.desk.close()
