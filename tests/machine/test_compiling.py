"""Compiling kernels: cached machine code is that of the sources as they are."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType

import pytest

from kanhe import judge
from kanhe.judge.features import arithmetic
from kanhe.judge.intake.recognising import texts
from kanhe.judge.machine.compiling import stamp_of
from kanhe.judge.models import kernel
from kanhe.judge.rules import screen

_ROOMS = (arithmetic, kernel, screen, texts)
"""The modules that hold the compilers of their rooms."""


@pytest.mark.parametrize("room", _ROOMS, ids=lambda room: room.__name__)
def test_cached_machine_code_knows_every_file_of_its_kernel(room: ModuleType) -> None:
    """A change in any source of a kernel must not leave old machine code in use."""
    folder = Path(inspect.getfile(room)).parent
    jitted = {path.name for path in folder.glob("*.py") if "@compiled" in path.read_text()}
    assert jitted <= set(room.SOURCES)
    stamp = stamp_of(folder, room.SOURCES)
    functions = [each for each in vars(room).values() if hasattr(each, "_cache")]
    own = [each for each in functions if each.py_func.__module__ == room.__name__]
    assert own
    assert {each._cache._cache_file._source_stamp[1] for each in own} == {stamp}


def test_every_room_with_a_kernel_is_tested_here() -> None:
    """A room that compiles anything says what its machine code is made of."""
    folder = Path(inspect.getfile(judge)).parent
    rooms = {path.parent for path in folder.rglob("*.py") if "@compiled" in path.read_text()}
    assert rooms == {Path(inspect.getfile(room)).parent for room in _ROOMS}
