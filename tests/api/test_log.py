"""Metrics of the log, and what is done beside the events."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kanhe.core.errors import StorageError
from kanhe.serve.api import server as server_module
from tests.api.conftest import Running, event
from tests.api.fake_engine import FakeEngine

# Metrics


def _metrics(client: httpx.Client) -> dict[str, float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {s.name: s.value for family in families for s in family.samples}


def test_metrics_tell_how_far_the_log_is(running: Running) -> None:
    """Entries, rows that wait and cosignatures are gauges; a log that is ahead has nothing waiting."""
    with running.client() as client:
        client.post("/v1/decisions", json=event(1))
        client.post("/v1/decisions", json=event(2))
        for folded, waiting in ((0, 2), (1, 1), (2, 0), (3, 0)):
            running.engine.folded = folded
            told = _metrics(client)
            assert (told["kanhe_log_size"], told["kanhe_log_waiting"]) == (folded, waiting)
    assert (told["kanhe_log_cosignatures"], told["kanhe_log_cosignatures_required"]) == (1, 2)


# What is done beside the events


@pytest.fixture
def quick_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick that comes a hundred times a second."""
    monkeypatch.setattr(server_module, "_TICK_S", 0.01)


def _ticks(engine: FakeEngine, number: int) -> None:
    """Wait for so many further ticks."""
    until, deadline = engine.tended + number, time.monotonic() + 10
    while engine.tended < until:
        assert time.monotonic() < deadline, "the tick has stopped"
        time.sleep(0.005)


@pytest.mark.usefixtures("quick_tick")
def test_trouble_beside_the_events_is_told_once_and_stops_nothing(
    start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    """The tick goes on whatever happens; the same trouble is logged again only after a change."""
    engine = start().engine
    _ticks(engine, 2)
    for trouble in ("the disk is full", "the disk is gone", "", "the disk is gone"):
        engine.trouble = StorageError(trouble) if trouble else None
        _ticks(engine, 4)
    told = [r for r in caplog.records if r.message == "serve.tend_failed"]
    assert [vars(r)["cause"] for r in told] == ["the disk is full", *["the disk is gone"] * 2]
    assert {r.levelno for r in told} == {logging.ERROR}


@pytest.mark.usefixtures("quick_tick")
def test_a_fault_beside_the_events_stops_nothing(
    start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of the program is logged by its place, without its message, and the tick goes on."""
    running = start()
    running.engine.trouble = RuntimeError("secret-card-4111")
    _ticks(running.engine, 4)
    (told,) = [r for r in caplog.records if r.message == "serve.tend_fault"]
    assert vars(told)["error"] == "RuntimeError"
    assert "fake_engine.py" in vars(told)["where"]
    assert "secret-card" not in caplog.text
    with running.client() as client:
        assert client.post("/v1/decisions", json=event(1)).status_code == 200
