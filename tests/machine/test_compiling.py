"""Compiling kernels: cached machine code is that of the sources as they are."""

from __future__ import annotations

import ast
import inspect
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import kanhe
from kanhe.judge.features import arithmetic
from kanhe.judge.intake.recognising import texts
from kanhe.judge.machine.compiling import stamp_of
from kanhe.judge.models import kernel
from kanhe.judge.rules import screen
from kanhe.stores.sqlite import kernel as seen_kernel

_ROOMS = (arithmetic, kernel, screen, texts, seen_kernel)
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


@pytest.mark.parametrize("room", _ROOMS, ids=lambda room: room.__name__)
def test_cached_machine_code_knows_the_constants_of_other_rooms(room: ModuleType) -> None:
    """A constant is compiled in, so that the file it comes from is a source too."""
    folder = Path(inspect.getfile(room)).parent
    known = {(folder / name).resolve() for name in room.SOURCES}
    for path in folder.glob("*.py"):
        if "@compiled" in path.read_text():
            assert _origins_of_constants(path) <= known, path.name


def _origins_of_constants(path: Path) -> set[Path]:
    """The files whose constants a file imports."""
    return {
        Path(spec.origin).resolve()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kanhe.")
        if any(alias.name.isupper() for alias in node.names)
        if (spec := find_spec(node.module)) and spec.origin and "machine" not in node.module
    }


def test_every_room_with_a_kernel_is_tested_here() -> None:
    """A room that compiles anything says what its machine code is made of."""
    folder = Path(inspect.getfile(kanhe)).parent
    rooms = {path.parent for path in folder.rglob("*.py") if "@compiled" in path.read_text()}
    assert rooms == {Path(inspect.getfile(room)).parent for room in _ROOMS}
