"""The memory the kernel works in: reserved once, touched as it fills, saved and loaded whole."""

from __future__ import annotations

import ctypes
import mmap
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from kanhe.core.errors import StorageError
from kanhe.judge.features import kernel
from kanhe.judge.features import layout as at

Words = npt.NDArray[np.int64]

# The one of `mmap` keeps the interpreter's lock while the system works.
_madvise = ctypes.CDLL(None).madvise
_madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)

_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)
_HUGE_PAGES = getattr(mmap, "MADV_HUGEPAGE", 14)
_COLLAPSE = getattr(mmap, "MADV_COLLAPSE", 25)
_POPULATE = getattr(mmap, "MADV_POPULATE_WRITE", 23)
_HUGE_BYTES = 8 * at.PAGE_WORDS
_AHEAD_BYTES = 64 << 20
"""So much memory lies ready for those who are new, or as much as is in use if that is less."""
_FIRST_INDEX = 1 << 12
_LEAST_BYTES = 1 << 20
_FIRST_WORD = 8
"""Offset 0 means "none" in the kernel, so the arena starts a little later."""


class MemoryFullError(StorageError):
    """The feature state has reached its limit."""


class Memory:
    """Arena, index and counters of one feature state.

    `limit_bytes` of address space are reserved at once and cost nothing until they are touched, so
    that growing never copies. Only the index of entities has to be made anew when it fills: see
    `kernel` for the way from one to the next. The `wider` one is still empty, the `older` one is
    being moved.
    """

    def __init__(self, limit_bytes: int, free_lists: int, sip_key: bytes) -> None:
        self.arena = _reserve(limit_bytes)
        self.index = _pages(8 * _FIRST_INDEX)
        self.wider: Words | None = None
        self.older: Words | None = None
        self.meta = np.zeros(at.FREE_LISTS + free_lists * at.CLASSES, dtype=np.int64)
        self.meta[at.TOP] = _FIRST_WORD
        self.meta[at.ARENA_WORDS] = len(self.arena)
        self.meta[at.INDEX_SLOTS] = len(self.index)
        self.meta[at.SIP_K0 : at.SIP_K1 + 1] = np.frombuffer(sip_key, dtype="<i8")
        self._ready = 0

    def aim(self, places: Words) -> None:
        """Write down for the kernel where everything lies."""
        places[at.PLACE_ARENA] = self.arena.ctypes.data
        places[at.PLACE_INDEX] = self.index.ctypes.data
        places[at.PLACE_WIDER] = 0 if self.wider is None else self.wider.ctypes.data
        places[at.PLACE_OLDER] = 0 if self.older is None else self.older.ctypes.data
        places[at.PLACE_META] = self.meta.ctypes.data

    @property
    def entities(self) -> int:
        """How many entities have a record."""
        return int(self.meta[at.ENTITIES])

    @property
    def used_bytes(self) -> int:
        """Bytes of the arena and the index in use."""
        older = 0 if self.older is None else len(self.older)
        return 8 * (int(self.meta[at.TOP]) + len(self.index) + older)

    def reserve(self, size: int) -> None:
        """Take the first `size` bytes of the arena now, as far as it goes: see `make_ready`.

        To be called before the first event.
        """
        self.arena[: size // 8 : mmap.PAGESIZE // 8] = 0
        self._ready = size

    @property
    def runs_short(self) -> bool:
        """Whether `make_ready` is due."""
        used = 8 * int(self.meta[at.TOP])
        return used >= _HUGE_BYTES and self._ready < used + min(used, _AHEAD_BYTES) // 2

    def make_ready(self) -> None:
        """Take the memory that comes next before an event needs it.

        The system clears a page when it is first touched, and a virtual machine may have to ask its
        host for it, which was seen to take six milliseconds for a huge page. May be called from
        another thread while events are taken, from one at a time. A system that cannot do it (Linux
        before 5.14), or has no memory left, refuses, and is not asked again: pages then come as they
        are touched, as they do everywhere.
        """
        used = 8 * int(self.meta[at.TOP])
        ready = max(self._ready, used) // _HUGE_BYTES * _HUGE_BYTES
        goal = min(used + min(used, _AHEAD_BYTES), self.arena.nbytes)
        while ready < goal:
            size = min(_HUGE_BYTES, self.arena.nbytes - ready)
            if _madvise(self.arena.ctypes.data + ready, size, _POPULATE):
                ready = self.arena.nbytes
            ready += size
        self._ready = ready

    def tend(self) -> None:
        """Take the next step of changing the index, which is due when the kernel says so."""
        self.settle()
        if self.wider is None and 2 * self.entities + at.SPARE_SLOTS > len(self.index):
            self.wider = _pages(16 * len(self.index))
            self.meta[at.TOUCHED] = 0
            if len(self.wider) > at.PAGE_WORDS:
                return
        if self.wider is not None:
            self.older, self.index, self.wider = self.index, self.wider, None
            self.meta[at.OLDER_SLOTS], self.meta[at.MOVED] = len(self.older), 0
            self.meta[at.INDEX_SLOTS] = len(self.index)

    def settle(self) -> None:
        """Have all of the older index moved; mostly nothing is left to be moved."""
        if self.older is not None:
            places = np.zeros(at.PLACES, dtype=np.int64)
            self.aim(places)
            kernel.move_all(places.ctypes.data)
            self.older = None
            self.meta[at.OLDER_SLOTS] = self.meta[at.MOVED] = 0

    def gather_pages(self) -> None:
        """Have the system make huge pages again of those that it took apart beside a forked child.

        It would get round to it by itself, at some megabytes a second. Words stay where they are, so
        this may be called from another thread while events are taken; one that meets a page on its
        way waits for some tenths of a millisecond. A system that cannot do it (Linux before 6.1), or
        has no room for it now, refuses, and the state is as right without.
        """
        for words in (self.arena[: int(self.meta[at.TOP])], self.index):
            begin = -(-words.ctypes.data // _HUGE_BYTES) * _HUGE_BYTES
            end = words.ctypes.data + words.nbytes
            for address in range(begin, end - _HUGE_BYTES + 1, _HUGE_BYTES):
                _madvise(address, _HUGE_BYTES, _COLLAPSE)

    def check(self) -> None:
        """Raise `MemoryFullError` once the arena has run out: the state is then no longer exact."""
        if self.meta[at.FULL]:
            raise MemoryFullError(
                f"the feature state has reached its limit of {8 * len(self.arena) >> 20} MiB; "
                "raise state_limit_mib and start again, nothing in the journal is lost"
            )

    def dump(self) -> dict[str, memoryview]:
        """Views of all that is in use, valid until the next event.

        There is one index in them, whatever is being moved: `aim` is due again afterwards.
        """
        self.settle()
        top = int(self.meta[at.TOP])
        return {
            "meta": self.meta.data.cast("B"),
            "index": self.index.data.cast("B"),
            "arena": self.arena[:top].data.cast("B"),
        }

    def content(self) -> dict[str, bytes]:
        """A copy of what is remembered, for comparing two states: the same events give the same.

        Where an entity stands in the index, and how far the change to a wider one has got, depends on
        when `dump` was called in between, and is not in it.
        """
        parts = self.dump()
        meta = self.meta.copy()
        meta[[at.INDEX_SLOTS, at.OLDER_SLOTS, at.MOVED, at.TOUCHED]] = 0
        index = np.sort(self.index[self.index != 0])
        return {"meta": meta.tobytes(), "index": index.tobytes(), "arena": bytes(parts["arena"])}

    def load(self, parts: dict[str, bytes]) -> None:
        """Take over what `dump` gave. Raises `StorageError` if the parts do not fit together."""
        meta = np.frombuffer(parts["meta"], dtype=np.int64)
        index = np.frombuffer(parts["index"], dtype=np.int64)
        arena = np.frombuffer(parts["arena"], dtype=np.int64)
        fits = (
            len(meta) == len(self.meta)
            and len(index) == meta[at.INDEX_SLOTS]
            and len(arena) == meta[at.TOP] <= len(self.arena)
            and bool(
                (meta[at.SIP_K0 : at.SIP_K1 + 1] == self.meta[at.SIP_K0 : at.SIP_K1 + 1]).all()
            )
        )
        if not fits:
            raise StorageError("this snapshot belongs to another state; it is rebuilt instead")
        self.meta[:] = meta
        self.meta[at.ARENA_WORDS] = len(self.arena)
        self.index, self.wider, self.older = _pages(index.nbytes), None, None
        self.index[:] = index
        self.arena[: len(arena)] = arena


def _reserve(limit_bytes: int) -> Words:
    """Reserve address space, halving the wish until the system grants it."""
    size = limit_bytes // mmap.PAGESIZE * mmap.PAGESIZE
    while True:
        try:
            return _pages(size)
        except OSError:
            size = size // 2 // mmap.PAGESIZE * mmap.PAGESIZE
            if size < _LEAST_BYTES:
                raise


def _pages(size: int) -> Words:
    """Memory of this many bytes, all zero, that costs nothing until it is touched."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE
    region = mmap.mmap(-1, size, flags=flags)
    # Records lie scattered: with small pages, finding the page costs as much as the word. A system
    # that has no huge pages refuses the advice, and the state is as right without them.
    with suppress(OSError):
        region.madvise(_HUGE_PAGES)
    return np.frombuffer(region, dtype=np.int64)
