"""An operating system that fails at a chosen step, and remembers what the loss of power would leave."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

STEPS = frozenset(
    {"open", "pwrite", "fdatasync", "fsync", "replace", "link", "makedirs", "ftruncate", "unlink", "rmdir"}
)  # fmt: skip


class FaultyOs:
    """Stands in for the module `os`. Step number `fail_at` fails, before or (`late`) after its effect.

    Nothing is really synced. What would survive the loss of power is noted instead: the names that a
    folder had when it was synced, and the bytes that a file had when it was.
    """

    def __init__(self, fail_at: int = -1, late: bool = False) -> None:
        self.steps = 0
        self._fail_at, self._late = fail_at, late
        # Files are synced by several threads, and each step has a number of its own.
        self._counting = threading.Lock()
        self._names: dict[int, dict[str, tuple[int, bool]]] = {}
        self._bytes: dict[int, bytes] = {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name in ("fsync", "fdatasync"):
            real = self._note
        return self._step(real) if name in STEPS else real

    def _step(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            with self._counting:
                number, self.steps = self.steps, self.steps + 1
            if number == self._fail_at and not self._late:
                raise OSError(5, "Input/output error")
            result = real(*arguments, **options)
            if number == self._fail_at:
                if real is os.open:
                    os.close(result)
                raise OSError(5, "Input/output error")
            return result

        return step

    def _note(self, descriptor: int) -> None:
        number = os.fstat(descriptor).st_ino
        place = f"/proc/self/fd/{descriptor}"
        if os.path.isdir(place):
            found = os.scandir(os.readlink(place))
            self._names[number] = {one.name: (one.inode(), one.is_dir()) for one in found}
        else:
            self._bytes[number] = Path(place).read_bytes()

    def after_power_loss(self, folder: Path, copy: Path) -> None:
        """Write to `copy` what the loss of power would leave of `folder` now, at the least."""
        self._copy(os.stat(folder).st_ino, copy)

    def _copy(self, number: int, copy: Path) -> None:
        copy.mkdir()
        for name, (inside, is_folder) in self._names.get(number, {}).items():
            if is_folder:
                self._copy(inside, copy / name)
            else:
                (copy / name).write_bytes(self._bytes.get(inside, b""))


@contextmanager
def standing_in(faulty: FaultyOs, *modules: ModuleType) -> Iterator[FaultyOs]:
    """Let these modules see `faulty` as their `os`."""
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(module, "os", faulty)
        yield faulty
