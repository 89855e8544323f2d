"""Compiling kernels, with a cache on disk that knows everything they are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from numba import njit

Compile = Callable[[Callable[..., Any]], Any]

_OWN = tuple(Path(__file__).parent / name for name in ("compiling.py", "memory.py"))


class Compilers(NamedTuple):
    """Two decorators that make machine code of plain functions."""

    compiled: Compile
    """For functions with loops; the cache makes them ready at the next start."""
    inlined: Compile
    """For what runs many times per event, where a call would cost more than the work."""


def compilers(folder: Path, sources: Iterable[str]) -> Compilers:
    """The decorators for the functions of a kernel whose `sources`, all of them, lie in a folder.

    numba looks only at the file a function stands in when it decides whether the cached machine code
    is still good; a changed constant in another file would go unnoticed, and old code would run.
    """
    stamp = stamp_of(folder, sources)
    return Compilers(_jit(stamp), _jit(stamp, forceinline=True))


def stamp_of(folder: Path, sources: Iterable[str]) -> str:
    """A hash over everything that the compiled functions are made of."""
    files = (*_OWN, *(folder / name for name in sources))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _jit(stamp: str, **options: Any) -> Compile:
    """numba's `njit` with a cache that is good only as long as the stamp is the same."""
    make = njit(nogil=True, cache=True, error_model="numpy", boundscheck=False, **options)

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher = make(function)
        cached = dispatcher._cache._cache_file
        cached._source_stamp = (cached._source_stamp, stamp)
        return dispatcher

    return decorate
