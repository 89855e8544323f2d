"""The client for tasks keeps the same promises."""

from __future__ import annotations

import asyncio
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from kanhe.client import AsyncKanhe, Closed, InvalidEvent, Refused, Unreachable, events
from tests.client.conftest import KEY
from tests.client.fake_kanhe import Answer, Asked, FakeKanhe, decision, good, problem


def _payment(event_id: str = "pay-1") -> events.PaymentAttempted:
    return events.PaymentAttempted(id=event_id, amount_minor=4990, currency="EUR")


def _kanhe(url: str, folder: Path, **options: Any) -> AsyncKanhe:
    options = {
        "queue": folder / "queue.db", "fallback": {"*": "hold"}, "timeout": 20.0, "close_timeout": 0.1,
        **options,
    }  # fmt: skip
    return AsyncKanhe(url, key=KEY, **options)


def test_tasks_ask_at_the_same_time(fake: FakeKanhe, tmp_path: Path) -> None:
    """Many tasks at once get each its own answer, over connections that are kept."""

    async def run() -> None:
        async with _kanhe(fake.url, tmp_path, timeout=20.0) as kanhe:
            found = await asyncio.gather(*(kanhe.decide(_payment(f"p{n}")) for n in range(50)))
            assert [one.event_id for one in found] == [f"p{n}" for n in range(50)]
            assert not any(one.fallback for one in found)
            assert kanhe.stats.decided == 50

    asyncio.run(run())


def test_records_arrive(fake: FakeKanhe, tmp_path: Path) -> None:
    """What is recorded is in the queue when `record` returns, and arrives."""

    async def run() -> None:
        async with _kanhe(fake.url, tmp_path) as kanhe:
            for number in range(10):
                assert await kanhe.record(events.AccountLogin(id=f"e{number}", user="u"))
            assert await kanhe.flush(5)
            assert kanhe.pending == 0

    asyncio.run(run())
    assert fake.recorded == [f"e{number}" for number in range(10)]


def test_the_whole_time_is_bounded(fake: FakeKanhe, tmp_path: Path) -> None:
    """A server that does not answer in time costs the whole time once, and the event arrives later."""

    def script(asked: Asked) -> Answer:
        if asked.path == "/v1/decisions":
            time.sleep(1.0)
        return good(asked)

    fake.script = script

    async def run() -> None:
        async with _kanhe(fake.url, tmp_path, timeout=0.2) as kanhe:
            started = time.monotonic()
            found = await kanhe.decide(_payment())
            assert time.monotonic() - started < 0.9
            assert (found.outcome, found.fallback, found.why) == ("review", True, "timeout")
            assert await kanhe.flush(5)

    asyncio.run(run())
    assert fake.judged_late == ["pay-1"]


def test_a_cancelled_task_leaves_its_event(fake: FakeKanhe, tmp_path: Path) -> None:
    """A buyer who goes away while Kanhe decides has tried to pay all the same: the event arrives, and
    the client goes on working."""

    def script(asked: Asked) -> Answer:
        if asked.ids == ["slow"] and asked.path == "/v1/decisions":
            time.sleep(0.5)
        return good(asked)

    fake.script = script

    async def run() -> None:
        async with _kanhe(fake.url, tmp_path) as kanhe:
            task = asyncio.create_task(kanhe.decide(_payment("slow")))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await kanhe.flush(5)
            assert not (await kanhe.decide(_payment("next"))).fallback

    asyncio.run(run())
    assert fake.judged_late == ["slow"]


def test_refusals_and_mistakes_are_raised(fake: FakeKanhe, tmp_path: Path, nowhere: str) -> None:
    """What is raised for threads is raised for tasks."""

    async def run() -> None:
        async with _kanhe(fake.url, tmp_path) as kanhe:
            fake.script = lambda _: (422, {}, problem("card-number", 422))
            with pytest.raises(Refused):
                await kanhe.decide(_payment())
            with pytest.raises(InvalidEvent):
                await kanhe.decide(events.PaymentAttempted(amount_minor=-1, currency="EUR"))
        with pytest.raises(Closed):
            await kanhe.decide(_payment())
        async with _kanhe(nowhere, tmp_path, fallback=None, timeout=0.1) as kanhe:
            with pytest.raises(Unreachable):
                await kanhe.decide(_payment())

    asyncio.run(run())


def test_what_is_packed_is_not_unpacked(fake: FakeKanhe, tmp_path: Path) -> None:
    """An answer that is packed, though nothing but plain was asked for, is no answer."""
    packed = zlib.compress(b"x" * 50_000_000)
    fake.script = lambda _: (200, {"content-encoding": "deflate"}, packed)

    async def run() -> None:
        async with _kanhe(fake.url, tmp_path, timeout=0.5, queue=None) as kanhe:
            found = await kanhe.decide(_payment())
            assert (found.fallback, found.why) == (True, "the answer is packed")

    asyncio.run(run())


def test_each_loop_has_its_own_connections(fake: FakeKanhe, tmp_path: Path) -> None:
    """A client that is made at import serves one event loop after another, as async views of Django do."""
    fake.script = lambda asked: (200, {}, decision(asked.ids[0], "deny"))
    kanhe = _kanhe(fake.url, tmp_path)

    async def one(number: int) -> str:
        try:
            return (await kanhe.decide(_payment(f"p{number}"))).outcome
        finally:
            await kanhe._link.close()

    assert [asyncio.run(one(number)) for number in range(3)] == ["deny"] * 3
    asyncio.run(kanhe.close())
    assert len(fake.asked) == 3
