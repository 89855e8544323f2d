"""Waiting together: one result for each event, in order, and nobody is left without one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from kanhe.core.errors import Refusal, StorageError
from kanhe.core.event import Asked
from kanhe.serve.api.counters import Counters
from kanhe.serve.api.grouping import MOST_EVENTS, GroupCommit
from tests.api.conftest import event
from tests.api.fake_engine import FakeEngine, FakeWaiting


class _Faulty(FakeEngine):
    """Breaks where it is told to, in a way that no engine should."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def take(self, asked: Sequence[Asked]) -> list[FakeWaiting | Exception]:
        """Break, or take."""
        if self.where == "take":
            raise RuntimeError("a fault")
        return super().take(asked)

    def commit(self) -> None:
        """Break, or commit."""
        if self.where == "commit":
            raise RuntimeError("a fault")
        super().commit()


def _asked(*bodies: Any) -> list[Asked]:
    return [
        Asked(
            "a", body if isinstance(body, bytes) else json.dumps(body).encode(), frozenset(), True
        )
        for body in bodies
    ]


def _results(engine: FakeEngine, *requests: list[Asked]) -> list[list[Any]]:
    """What each of the requests, made in one turn of the loop, is told."""

    async def ask() -> list[list[Any]]:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        group = GroupCommit(engine, Counters(engine.stats))
        futures = [group.take(asked) for asked in requests]
        return [list(results) for results in await asyncio.wait_for(asyncio.gather(*futures), 5)]

    return asyncio.run(ask())


def test_each_request_is_told_its_own_results_in_order() -> None:
    """Neighbours share a write and get what became of their own events, refused ones among them."""
    engine = FakeEngine()
    one, two = _results(engine, _asked(event(1), b"{", event(2)), _asked(event(3)))
    assert [b'"e1"' in one[0].answer, b'"e2"' in one[2].answer, b'"e3"' in two[0].answer] == [
        True
    ] * 3
    assert isinstance(one[1], Refusal)
    assert engine.commits == [3]


def test_a_failed_write_fails_what_was_taken_and_nothing_else() -> None:
    """When nothing could be stored a refused event is still refused, and the others are not answered."""
    engine = FakeEngine()
    engine.disk_full = True
    (results,) = _results(engine, _asked(b"{", event(1)))
    assert isinstance(results[0], Refusal)
    assert isinstance(results[1], StorageError)
    assert not engine.kept


def test_a_group_that_is_refused_writes_nothing() -> None:
    """Without an event that was taken there is nothing to make durable."""
    engine = FakeEngine()
    _results(engine, _asked(b"{"), _asked(b"["))
    assert engine.commits == []


@pytest.mark.parametrize("where", ["take", "commit"])
def test_a_fault_leaves_nobody_waiting(where: str) -> None:
    """Whatever breaks, everyone of the group hears that nothing is certain."""
    one, two = _results(_Faulty(where), _asked(event(1), event(2)), _asked(event(3)))
    assert [type(result) for result in one + two] == [StorageError] * 3


def test_a_request_is_never_split_between_groups() -> None:
    """Large requests share a group as long as they fit, in the order they were made."""
    engine = FakeEngine()
    sizes = [150, 150, 150, 1, MOST_EVENTS - 1, MOST_EVENTS]
    requests, first = [], 0
    for size in sizes:
        requests.append(_asked(*(event(number) for number in range(first, first + size))))
        first += size
    results = _results(engine, *requests)
    assert [len(told) for told in results] == sizes
    assert engine.commits == [300, 151, 399, 400]
