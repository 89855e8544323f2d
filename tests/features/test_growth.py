"""The index of entities grows while events go on, and nobody is lost or met twice on the way."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.event import Arrival
from kanhe.judge.features import layout, memory
from kanhe.judge.features.layout import GROUP, PAGE_WORDS
from kanhe.judge.features.live import LiveFeatures
from kanhe.judge.intake.group import group_of
from tests.features.shop import arrival, live

PAY = "payment.attempted"
TEXT = f"""
n = count("{PAY}", by="card", over="1h")
people = distinct("{PAY}", "user", by="card", over="1h")
since = since_last("{PAY}", by="user", over="1h")
"""
_NO_ADVICE = 9999
"""A number that no system knows as advice: it is refused as huge pages are where there are none."""


@contextmanager
def _small(first: int, page_words: int) -> Iterator[None]:
    """Have states begin with so small an index, and wait for pages of so few words."""
    pages = mock.patch.object(layout, "PAGE_WORDS", page_words)
    with mock.patch.object(memory, "_FIRST_INDEX", first), pages:
        yield


def _payments(seed: int, count: int, known: int) -> list[Arrival]:
    """Payments of which about one in `known` is by a card and a user that were met before."""
    rng = np.random.default_rng(seed)
    who = np.where(rng.random(count) < 1 / known, rng.integers(0, count, count), np.arange(count))
    return [
        arrival(PAY, n / 10, card=f"c{one}", user=f"u{one // 2}")
        for n, one in enumerate(who.tolist())
    ]


def _snapshot(features: LiveFeatures) -> dict[str, bytes]:
    return {name: bytes(part) for name, part in features.dump().items()}


@settings(max_examples=40)
@given(
    st.integers(0, 2**32),
    st.integers(1, 900),
    st.integers(1, 4),
    st.lists(st.integers(1, GROUP), min_size=1, max_size=9),
    st.sampled_from([0, PAGE_WORDS]),
    st.sets(st.integers(0, 12), max_size=3),
)
def test_growing_changes_no_vector(
    seed: int, count: int, known: int, sizes: list[int], page_words: int, snapshots: set[int]
) -> None:
    """A state that grows again and again agrees with one that never has to; so does its snapshot."""
    events = _payments(seed, count, known)
    wide = live(TEXT)
    with _small(256, page_words):
        growing, single = live(TEXT), live(TEXT)
    with _small(1 << 12, page_words):
        start = turn = 0
        while start < len(events):
            group = events[start : start + sizes[turn % len(sizes)]]
            expected, _ = wide.observe_group(group_of(group))
            vectors, _ = growing.observe_group(group_of(group))
            assert np.array_equal(vectors, expected, equal_nan=True)
            if turn in snapshots:
                again = live(TEXT)
                assert again.load(_snapshot(growing))
                growing = again
            start, turn = start + len(group), turn + 1
        assert growing.memory.entities == wide.memory.entities
        for event in events:
            single.observe(event)
        assert single.content() == growing.content() == wide.content()
        if not snapshots:  # One that was taken in the middle of a change ends it earlier.
            assert _snapshot(single) == _snapshot(growing)


def test_an_index_of_several_pages_grows() -> None:
    """A wider index of more than a page is touched first; whoever came before is still known."""
    features = live(f'n = count("{PAY}", by="card", over="1h")')
    with _small(PAGE_WORDS, PAGE_WORDS):
        big = live(f'n = count("{PAY}", by="card", over="1h")')
    cards = PAGE_WORDS // 2
    first = [arrival(PAY, 0, card=f"c{n}") for n in range(cards)]
    assert (big.observe_many(first) == 1).all()
    phases = {(big.memory.wider is not None, big.memory.older is not None)}
    for start in range(0, cards, 4 * GROUP):
        again = big.observe_many(first[start : start + 4 * GROUP])
        assert (again == 2).all()
        phases.add((big.memory.wider is not None, big.memory.older is not None))
    assert phases == {(True, False), (False, True), (False, False)}
    assert big.memory.entities == cards
    assert len(big.memory.index) == 2 * PAGE_WORDS
    assert features.load(_snapshot(big)) and features.memory.entities == cards


def test_no_memory_for_a_wider_index_leaves_the_state_usable() -> None:
    """The machine code never keeps the address of an index that is gone."""
    events = _payments(2, 600, 4)
    with _small(256, PAGE_WORDS):
        features = live(TEXT)
    tend = features.memory.tend
    refusals = 0

    def scarce() -> None:
        tend()
        raise MemoryError

    with mock.patch.object(features.memory, "tend", scarce):
        for event in events:
            try:
                features.observe(event)
            except MemoryError:
                refusals += 1
            aimed = features._places.copy()
            features.memory.aim(aimed)
            assert (aimed == features._places).all()
    assert refusals > 3


def test_a_system_without_huge_pages_keeps_the_state_all_the_same() -> None:
    """Where the system refuses advice on pages, the whole state is there and counts the same."""
    events = _payments(1, 400, 2)
    with mock.patch.object(memory, "_HUGE_PAGES", _NO_ADVICE), _small(256, PAGE_WORDS):
        features = live(TEXT)
        vectors = features.observe_many(events)
    usual = live(TEXT)
    assert np.array_equal(vectors, usual.observe_many(events), equal_nan=True)
    assert len(features.memory.arena) == len(usual.memory.arena)


def test_pages_are_gathered_while_events_go_on() -> None:
    """A state whose pages a child had taken apart, and that are put together, counts as before."""
    events = _payments(3, 100_000, 2)
    features, usual = live(TEXT), live(TEXT)
    for start in range(0, 90_000, 30_000):
        some = events[start : start + 30_000]
        child = os.fork()
        if not child:
            signal.pause()
            os._exit(0)
        try:
            vectors = features.observe_many(some)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        gathering = threading.Thread(target=features.memory.gather_pages)
        gathering.start()
        assert np.array_equal(vectors, usual.observe_many(some), equal_nan=True)
        after = features.observe_many(events[90_000:])
        gathering.join()
        assert np.array_equal(after, usual.observe_many(events[90_000:]), equal_nan=True)
    assert features.memory.used_bytes > 2 * 2 << 20
    assert _snapshot(features) == _snapshot(usual)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which pages are there")
def test_memory_is_there_before_somebody_needs_it() -> None:
    """What was reserved is there at once; later as much again as is in use, found beside events."""
    events = _payments(5, 60_000, 2)
    features, usual = live(TEXT), live(TEXT)
    state = features.memory
    state.reserve(4 << 20)
    assert 4 << 20 <= _ready_bytes(features) <= 6 << 20  # to the end of a huge page
    done = 0
    while not state.runs_short:
        assert done < len(events)
        some = events[done : done + GROUP]
        assert np.array_equal(features.observe_many(some), usual.observe_many(some), equal_nan=True)
        done += GROUP
    assert _ready_bytes(features) <= 6 << 20
    thread = threading.Thread(target=state.make_ready)
    thread.start()
    rest = events[done : done + 10 * GROUP]
    assert np.array_equal(features.observe_many(rest), usual.observe_many(rest), equal_nan=True)
    thread.join()
    used = 8 * int(state.meta[layout.TOP])
    assert _ready_bytes(features) >= 1.5 * used > 4 << 20
    assert not state.runs_short
    assert _snapshot(features) == _snapshot(usual)


def _ready_bytes(features: LiveFeatures) -> int:
    """How much of the arena, from its beginning, the system has given by now."""
    arena = features.memory.arena
    pages = np.zeros(arena.nbytes // mmap.PAGESIZE, dtype=np.uint8)
    mincore = ctypes.CDLL(None, use_errno=True).mincore
    mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
    assert mincore(arena.ctypes.data, arena.nbytes, pages.ctypes.data) == 0
    return int(np.argmin(pages & 1)) * mmap.PAGESIZE


def test_a_small_state_takes_no_memory_beforehand() -> None:
    """As long as little is in use nothing more is asked for."""
    features = live(TEXT)
    features.observe_many(_payments(1, 1_000, 1))
    assert not features.memory.runs_short


def test_a_system_that_gives_no_memory_beforehand_is_asked_once() -> None:
    """Refused once, it is not asked again, and all goes on as memory is touched."""
    events = _payments(5, 50_000, 2)
    features, usual = live(TEXT), live(TEXT)
    features.observe_many(events[:45_000])
    assert features.memory.runs_short
    with mock.patch.object(memory, "_POPULATE", _NO_ADVICE):
        features.memory.make_ready()
    assert not features.memory.runs_short
    usual.observe_many(events[:45_000])
    after = features.observe_many(events[45_000:])
    assert np.array_equal(after, usual.observe_many(events[45_000:]), equal_nan=True)


def test_memory_beforehand_ends_where_the_limit_is() -> None:
    """What would lie behind the limit is not asked for, and not missed."""
    features = live(TEXT, limit_bytes=5 << 20)
    features.observe_many(_payments(5, 45_000, 2))
    assert features.memory.runs_short
    features.memory.make_ready()
    assert not features.memory.runs_short
    features.memory.reserve(64 << 20)


def test_one_that_looks_like_another_is_found_while_the_index_moves() -> None:
    """Who shares the bits of a key that stand in the index, and the slot, is known all the same."""
    text = f'n = count("{PAY}", by="card", over="1h")'
    cards = [arrival(PAY, 0, card=f"c{n}") for n in range(40_000)]
    one, other = _alike(text, cards, slots=256)
    with _small(256, PAGE_WORDS):
        features = live(text)
    features.observe_many([cards[one], cards[other]])
    rest = (card for n, card in enumerate(cards) if n not in (one, other))
    while features.memory.older is None:
        features.observe(next(rest))
    assert features.observe(cards[other]) == features.observe(cards[one]) == (2.0,)
    assert features.memory.older is not None


def _alike(text: str, cards: list[Arrival], slots: int) -> tuple[int, int]:
    """The numbers of two cards with the same slot of an index of so many, among those that are moved
    last, and the same bits of the key in it."""
    features = live(text)
    first = int(features.memory.meta[layout.TOP])
    features.observe_many(cards)
    records = features.memory.arena[first : int(features.memory.meta[layout.TOP])]
    keys = records.reshape(len(cards), -1)[:, layout.R_KEY].view(np.uint64)
    seen: dict[tuple[int, int], int] = {}
    for n, key in enumerate(keys.tolist()):
        slot = key % slots
        if (
            slots * 3 // 4 <= slot < slots - 1
            and (found := seen.setdefault((slot, key >> 48), n)) < n
        ):
            return found, n
    raise AssertionError("no two cards are alike")
