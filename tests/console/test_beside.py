"""What runs beside the pages, and what is streamed to them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

from kanhe.app.loops import Loops
from kanhe.core.errors import StorageError
from kanhe.serve.console import streaming
from kanhe.serve.console.formats import duration, in_zone, money, share, when
from kanhe.serve.console.language import speaking
from kanhe.serve.console.streaming import Message, stream


def _until(found: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not found():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_loop_that_fails_is_told_waits_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """A failure is logged once until it changes, its neighbours go on, and all is well again after."""
    loops, done, failing = Loops(), threading.Event(), [True]

    def fails() -> None:
        if failing[0]:
            raise StorageError("the disk is full")

    loops.add("failing", 0.01, fails)
    loops.add("steady", 0.01, done.set)
    loops.start()
    try:
        _until(lambda: loops.states()[0].failures >= 2)
        assert done.wait(10)
        failing[0] = False
        loops.nudge("failing")
        _until(lambda: loops.states()[0].failures == 0)
    finally:
        loops.close()
    told = [record.message for record in caplog.records]
    assert told.count("loop.failed") == 1
    assert {state.name: state.trouble for state in loops.states()} == {"failing": "", "steady": ""}


def test_a_loop_with_more_to_do_does_not_wait() -> None:
    """As long as a round says that there is more, the next one begins at once; closing ends it."""
    loops, rounds = Loops(), [0]

    def work() -> bool:
        rounds[0] += 1
        return rounds[0] < 100

    loops.add("busy", 60.0, work)
    begun = time.monotonic()
    loops.start()
    _until(lambda: rounds[0] == 100)
    loops.close()
    assert time.monotonic() - begun < 10
    assert loops.stopping


def test_messages_cannot_end_early() -> None:
    """Line breaks in what people wrote neither end a message nor begin a field."""
    sent = Message("a\nevent: evil\r\ndata: x\u2028y", "tick\nid: 9", "7\0").encoded().decode()
    assert sent.endswith("\n\n")
    lines = sent.rstrip("\n").split("\n")
    assert lines[:2] == ["id: 7", "event: tick id: 9"]
    assert all(line.startswith("data: ") for line in lines[2:])
    assert Message.of("n", {"名": 1}).encoded() == 'event: n\ndata: {"名":1}\n\n'.encode()


def _read(stopping: asyncio.Event, look: Any) -> list[bytes]:
    app = SimpleNamespace(state=SimpleNamespace(stopping=stopping))
    request = Request({"type": "http", "headers": [], "app": app})

    async def whole() -> list[bytes]:
        body: Any = stream(request, look, 0.01).body_iterator
        return [part async for part in body]

    return asyncio.run(whole())


def test_a_stream_ends_when_the_server_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has come is sent, a quiet stream says that it is there, and stopping ends it at once."""
    stopping, asked = asyncio.Event(), [0]
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.05)

    async def look() -> list[Message]:
        asked[0] += 1
        if asked[0] == 20:
            stopping.set()
        return [Message("1", "new")] if asked[0] == 1 else []

    parts = _read(stopping, look)
    assert parts[0].startswith(b"retry:")
    assert parts[1] == b"event: new\ndata: 1\n\n"
    assert b": still here\n\n" in parts
    assert asked[0] == 20


def test_a_stream_is_asked_anew_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stream outlives a session for long: it ends, and the browser connects and is asked again."""
    monkeypatch.setattr(streaming, "LONGEST_S", 0.05)

    async def look() -> list[Message]:
        return []

    assert _read(asyncio.Event(), look)[0].startswith(b"retry:")


def test_values_are_shown_in_the_readers_language_and_zone() -> None:
    """Money by its currency's digits, spans in two units, times where the reader is; nothing raises."""
    with speaking("en"), in_zone("Asia/Shanghai"):
        assert money(123456, "JPY") == "¥123,456"
        assert money(123456, "EUR") == "€1,234.56"
        assert money(None, "EUR") == "–"
        assert money(5, "") == "0.05"
        assert money(5, "<b>") == "0.05"
        assert share(0.0213) == "2.1%"
        assert duration(93_784_000) == "1 d 2 h"
        assert duration(-1_500) == "−1 s"
        assert duration(7) == "7 ms"
        assert "2026-09-21 22:13" in when(1_790_000_000_000)
        assert when(10**18) == when(-1) == when(None) == "–"
    with speaking("zh_CN"), in_zone("no such zone"):
        assert money(123456, "CNY") == "¥1,234.56"
        assert duration(93_784_000) == "1 天 2 小时"
        assert "2026-09-21 14:13" in when(1_790_000_000_000)
