"""What `decide` promises a checkout, against a server that does what the test says."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kanhe.client import Closed, InvalidEvent, Kanhe, Refused, Unreachable, events
from tests.client.conftest import KEY, eventually
from tests.client.fake_kanhe import Answer, Asked, FakeKanhe, decision, good, problem

Client = Callable[..., Kanhe]


def _payment(event_id: str = "pay-1", **more: Any) -> events.PaymentAttempted:
    return events.PaymentAttempted(id=event_id, amount_minor=4990, currency="EUR", **more)


def test_a_decision_is_what_kanhe_answered(fake: FakeKanhe, client: Client) -> None:
    """Outcome, score, reasons and actions arrive as they were sent, over one connection."""
    reason = {
        "rule": "r",
        "points": 45,
        "text": {"en": "Why.", "zh": "原因。"},
        "tags": ["OAT-001"],
    }
    action = {"kind": "challenge", "what": "otp", "new_field": 1}
    fake.script = lambda asked: (
        200, {}, decision(asked.ids[0], "challenge", score=45, reasons=[reason], actions=[action], more=2),
    )  # fmt: skip
    kanhe = client()
    found = kanhe.decide(_payment())
    assert (found.outcome, found.score, found.event_id, found.fallback) == ("challenge", 45, "pay-1", False)  # fmt: skip
    assert found.reasons[0].text.zh == "原因。"
    assert found.actions[0].what == "otp"
    assert found.decision_id == "d1-9e3779"
    for number in range(5):
        kanhe.decide(_payment(f"pay-{number}"))
    assert fake.connections == 1
    sent = fake.asked[0].headers
    assert sent["authorization"] == f"Bearer {KEY}"
    assert sent["user-agent"].startswith("kanhe-client/")
    assert kanhe.stats.decided == 6


def test_a_refusal_is_raised_with_what_was_wrong(fake: FakeKanhe, client: Client) -> None:
    """An event that Kanhe refuses is the shop's mistake: it is raised, and neither retried nor queued."""
    errors = [{"field": "card", "expected": "a token, never a card number", "got": "4111…"}]
    fake.script = lambda _: (422, {}, problem("card-number", 422, errors=errors))
    kanhe = client()
    with pytest.raises(Refused) as caught:
        kanhe.decide(_payment())
    assert (caught.value.status, caught.value.type) == (422, "/problems/card-number")
    assert caught.value.errors[0].field == "card"
    assert len(fake.asked) == 1
    assert kanhe.pending == 0
    assert kanhe.stats.breaker == "closed"


def test_a_retry_sends_the_same_bytes(fake: FakeKanhe, client: Client) -> None:
    """What may pass is tried again under the same id with the same bytes, and the answer counts."""
    replies: Iterator[Answer | None] = iter(
        [None, (503, {}, problem("storage-unavailable", 503)), (500, {}, b"oops")]
    )
    fake.script = lambda asked: next(replies, good(asked))
    kanhe = client()
    assert not kanhe.decide(_payment()).fallback
    assert len(fake.asked) == 4
    assert len({one.body for one in fake.asked}) == 1
    assert (kanhe.stats.retries, kanhe.pending) == (3, 0)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_kept_to(fake: FakeKanhe, client: Client, status: int) -> None:
    """Who is asked to come back in a second comes back then if there is time, and not before."""
    times: list[float] = []

    def script(asked: Asked) -> Answer:
        times.append(time.monotonic())
        if len(times) == 1:
            return status, {"retry-after": "1"}, problem("busy", status)
        return good(asked)

    fake.script = script
    assert not client().decide(_payment()).fallback
    assert times[1] - times[0] >= 1.0
    times.clear()
    kanhe = client(timeout=0.9, queue=None)
    assert kanhe.decide(_payment("pay-2")).fallback
    assert kanhe.stats.retries == 0, "it must not wait for what cannot come in time"


@pytest.mark.parametrize(
    ("declared", "outcome"), [("allow", "allow"), ("challenge", "challenge"), ("hold", "review")]
)
def test_the_declared_answer_is_given(
    client: Client, nowhere: str, declared: str, outcome: str
) -> None:
    """Where nobody listens the fallback of the type is answered, marked as such, and the event waits."""
    kanhe = client(nowhere, fallback={"payment.attempted": declared, "*": "allow"}, timeout=0.2)
    found = kanhe.decide(_payment())
    assert (found.outcome, found.fallback, found.event_id) == (outcome, True, "pay-1")
    assert found.why
    assert (found.decision_id, found.reasons, found.actions) == ("", (), ())
    assert kanhe.decide(events.AccountLogin(user="u")).outcome == "allow"
    assert kanhe.pending == 2


def test_without_a_declared_answer_it_is_raised(client: Client, nowhere: str) -> None:
    """Nothing is answered that nobody declared; the event is kept all the same."""
    kanhe = client(nowhere, fallback={"account.login": "allow"}, timeout=0.1)
    with pytest.raises(Unreachable, match=r"payment\.attempted"):
        kanhe.decide(_payment())
    assert kanhe.pending == 1


@pytest.mark.parametrize(
    "answer",
    [
        (401, {}, problem("not-authenticated", 401)), (403, {}, problem("scope-missing", 403)),
        (422, {}, problem("future-event", 422)), (404, {}, b"<html>not here</html>"), (302, {"location": "http://192.0.2.1/"}, b""),
        (200, {}, b"<html>welcome</html>"), (200, {}, b""), (200, {}, b"\xff\xfe"), (200, {}, b"[]" * 9),
        (200, {}, b"[" * 100_000), (200, {}, decision("another-event")), (204, {}, b""),
        (200, {}, decision("pay-1", "sell everything")), (400, {}, b"<html>proxy</html>"),
        (200, {}, b"x" * 17_000_000),
        (200, {"content-encoding": "gzip"}, gzip.compress(decision("pay-1"), mtime=0)),
        (200, {"content-encoding": "deflate"}, zlib.compress(b"x" * 50_000_000)),
    ],
    ids=lambda answer: f"{answer[0]} {answer[2][:30]!r}",
)  # fmt: skip
def test_an_answer_that_is_none_is_as_good_as_none(
    fake: FakeKanhe, client: Client, answer: Answer
) -> None:
    """A wrong key, a proxy's page, an answer about another event: the shop goes on with its fallback."""
    fake.script = lambda _: answer
    kanhe = client(timeout=0.5, fallback={"*": "hold"})
    found = kanhe.decide(_payment())
    assert (found.outcome, found.fallback) == ("review", True)
    assert kanhe.stats.fallbacks == 1


def test_an_answer_that_claims_to_be_a_fallback_is_none(fake: FakeKanhe, client: Client) -> None:
    """Only the client itself can say that a decision is its fallback."""
    fake.script = lambda asked: (200, {}, decision(asked.ids[0], fallback=True, why="because"))
    found = client().decide(_payment())
    assert (found.fallback, found.why) == (False, "")


def test_an_event_that_was_recorded_before_gets_the_declared_answer(
    fake: FakeKanhe, client: Client
) -> None:
    """Kanhe does not judge what it has recorded: the fallback is answered, and nothing is queued again."""
    fake.script = lambda asked: (200, {}, b'{"event_id":"pay-1","seq":7,"recorded":true}')
    kanhe = client(fallback={"*": "challenge"})
    found = kanhe.decide(_payment())
    assert (found.outcome, found.fallback) == ("challenge", True)
    assert "recorded before" in found.why
    assert kanhe.pending == 0


@contextmanager
def _trickling(first: bytes) -> Iterator[str]:
    """A server that sends `first` and then a byte now and then, for ever."""
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve(one: socket.socket) -> None:
        with one:
            one.recv(65_536)
            try:
                one.sendall(first)
                while not stop.wait(0.02):
                    one.sendall(b"x")
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                one, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(one,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stop.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nx-", b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"],
    ids=["silent", "in the head", "in the body"],
)  # fmt: skip
def test_one_deadline_holds_for_everything(client: Client, first: bytes) -> None:
    """A server that sends a byte now and then is not waited for beyond the whole time."""
    with _trickling(first) as url:
        kanhe = client(url, timeout=0.3)
        started = time.monotonic()
        assert kanhe.decide(_payment()).fallback
        assert time.monotonic() - started < 2.5


def test_a_name_that_is_not_found_in_time_is_left_behind(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's look-up of names has no bound of its own; the checkout has."""
    asked = threading.Event()

    def slow(*_: object, **__: object) -> list[Any]:
        asked.set()
        time.sleep(1.5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    kanhe = client("http://localhost:1", timeout=0.2)
    started = time.monotonic()
    assert kanhe.decide(_payment()).fallback
    assert time.monotonic() - started < 0.9
    assert asked.is_set()


@pytest.mark.parametrize("error", [OSError("no"), UnicodeError("label"), RuntimeError("odd")])
def test_a_look_up_that_breaks_is_no_connection(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Whatever a look-up of a name fails with, the checkout gets its declared answer."""

    def broken(*_: object, **__: object) -> list[Any]:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", broken)
    assert client("http://localhost:1", timeout=0.2).decide(_payment()).fallback


def test_a_dead_kanhe_costs_no_timeout_each(client: Client, nowhere: str) -> None:
    """After a few failures nobody waits: the answer is the fallback at once."""
    kanhe = client(nowhere, timeout=0.1, breaker_pause=60, breaker_longest=60)
    for number in range(5):
        kanhe.decide(_payment(f"first-{number}"))
    assert kanhe.stats.breaker == "open"
    started = time.perf_counter()
    for number in range(200):
        assert kanhe.decide(_payment(f"then-{number}")).fallback
    assert (time.perf_counter() - started) / 200 < 0.05
    assert kanhe.stats.pending == 205
    assert kanhe.stats.lost == 0


def test_who_is_waiting_stops_when_others_have_found_out(client: Client, nowhere: str) -> None:
    """A question between two attempts does not go on trying once the breaker is open."""
    kanhe = client(nowhere, timeout=10.0, breaker_failures=2, breaker_pause=60, breaker_longest=60)
    started = time.monotonic()
    threading.Timer(0.2, lambda: [kanhe._engine.breaker.failed() for _ in range(2)]).start()
    assert kanhe.decide(_payment()).fallback
    assert time.monotonic() - started < 6.0


def test_the_breaker_closes_when_kanhe_is_back(fake: FakeKanhe, client: Client) -> None:
    """The background finds out that Kanhe answers again; what waited arrives, and questions are asked."""
    fake.script = lambda _: (503, {}, problem("storage-unavailable", 503))
    kanhe = client(timeout=0.05, breaker_failures=2, breaker_pause=0.05)
    assert eventually(lambda: kanhe.decide(_payment()).fallback and kanhe.stats.breaker != "closed")
    fake.script = good
    assert eventually(lambda: kanhe.stats.breaker == "closed")
    assert kanhe.flush(5)
    assert not kanhe.decide(_payment("after")).fallback
    assert kanhe.stats.breaker_opened == 1


def test_an_idle_client_finds_out_too(fake: FakeKanhe, client: Client) -> None:
    """With nothing to send, the trial is a question after Kanhe's health."""
    fake.script = lambda _: (200, {}, b'{"event_id":"pay-1","seq":7,"recorded":true}')
    kanhe = client(breaker_failures=1, breaker_pause=0.05)
    kanhe.decide(_payment())
    kanhe._engine.breaker.failed()
    assert kanhe.stats.breaker == "open"
    kanhe._engine._sender.wake()
    assert eventually(lambda: kanhe.stats.breaker == "closed")
    assert fake.of("/readyz")


def test_a_connection_that_the_server_closed_is_not_used(fake: FakeKanhe, client: Client) -> None:
    """Connections that were closed while idle cost no decision."""
    kanhe = client()
    assert not kanhe.decide(_payment("one")).fallback
    pool = kanhe._engine.link._bounded._pool  # type: ignore[union-attr]
    stream = pool.connections[0]._connection._network_stream  # type: ignore[attr-defined]
    stream.get_extra_info("socket").shutdown(socket.SHUT_RD)
    assert not kanhe.decide(_payment("two")).fallback


def test_threads_share_a_client(fake: FakeKanhe, client: Client) -> None:
    """Many threads at once get each its own answer."""
    kanhe = client(timeout=20.0)
    wrong: list[str] = []

    def buy(worker: int) -> None:
        for number in range(10):
            found = kanhe.decide(_payment(f"pay-{worker}-{number}"))
            if found.fallback or found.event_id != f"pay-{worker}-{number}":
                wrong.append(found.why)

    threads = [threading.Thread(target=buy, args=(worker,)) for worker in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert kanhe.stats.decided == 200
    assert fake.connections <= 20


def test_whoever_is_stopped_in_the_middle_leaves_the_event(
    fake: FakeKanhe, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is told to stop while Kanhe decides puts the event into the queue on its way out."""
    kanhe = client()

    def stopped(*_: object) -> None:
        raise SystemExit(1)

    monkeypatch.setattr(kanhe._engine.link, "ask", stopped)
    with pytest.raises(SystemExit):
        kanhe.decide(_payment())
    assert kanhe.flush(5)
    assert fake.judged_late == ["pay-1"]


def test_an_invalid_event_is_neither_sent_nor_kept(fake: FakeKanhe, client: Client) -> None:
    """A mistake in the shop's code is raised where it was made."""
    kanhe = client()
    with pytest.raises(InvalidEvent, match="amount_minor"):
        kanhe.decide(events.PaymentAttempted(amount_minor=-1, currency="EUR"))
    with pytest.raises(InvalidEvent):
        kanhe.record(events.AccountLogin(user=""))
    assert fake.asked == []
    assert kanhe.pending == 0


def test_a_closed_client_says_so(client: Client) -> None:
    """After `close` nothing is taken that could get lost; closing again does nothing."""
    kanhe = client()
    kanhe.close()
    kanhe.close()
    with pytest.raises(Closed):
        kanhe.decide(_payment())
    with pytest.raises(Closed):
        kanhe.record(_payment())
