"""What waits arrives: in order, once, whatever Kanhe answers in between."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.client import Kanhe, events, sending
from kanhe.client.breaker import Breaker
from kanhe.client.event import Outgoing
from kanhe.client.queue import MemoryQueue, Waiting
from kanhe.client.sending import FAULTS_MOST, Sender
from kanhe.client.stats import Counters
from kanhe.client.wire import Failure, Reply
from tests.client.conftest import eventually
from tests.client.fake_kanhe import Answer, Asked, FakeKanhe, good, problem

Client = Callable[..., Kanhe]


def _login(number: int | str) -> events.AccountLogin:
    return events.AccountLogin(id=f"e{number}", user="u-1")


def _ids(count: int) -> list[str]:
    return [f"e{number}" for number in range(count)]


def _taken(number: int, event_id: str) -> bytes:
    return json.dumps({"event_id": event_id, "seq": number, "recorded": True}).encode() + b"\n"


def test_records_arrive_in_order(fake: FakeKanhe, client: Client) -> None:
    """Events are kept first and sent at once, in the order in which they came."""
    kanhe = client()
    for number in range(50):
        assert kanhe.record(_login(number))
    assert kanhe.flush(5)
    assert fake.recorded == _ids(50)
    assert fake.of("/v1/events:batch")[0].headers["content-type"] == "application/x-ndjson"
    assert (kanhe.pending, kanhe.stats.kept, kanhe.stats.sent) == (0, 50, 50)


def test_what_an_earlier_process_left_is_sent(
    client: Client, fake: FakeKanhe, nowhere: str
) -> None:
    """Events that waited when a process ended are sent by the next one, before anything is asked."""
    before = client(nowhere)
    for number in range(3):
        before.record(_login(number))
    before.close()
    with client() as kanhe:
        assert eventually(lambda: fake.recorded == _ids(3))
        assert kanhe.flush(5)


def test_a_refused_event_does_not_stop_the_others(
    fake: FakeKanhe, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """A line that is refused is kept apart with its reason and told; the others arrive."""

    def script(asked: Asked) -> Answer:
        lines = [
            problem("wrong-type", 422, line=number, detail="user: expected text") + b"\n"
            if one == "e1"
            else _taken(number, one)
            for number, one in enumerate(asked.ids, 1)
        ]
        return 200, {}, b"".join(lines)

    fake.script = script
    kanhe = client()
    for number in range(4):
        kanhe.record(_login(number))
    assert kanhe.flush(5)
    (kept,) = kanhe.refused()
    assert (kept.event_id, kept.problem, kept.detail) == ("e1", "/problems/wrong-type", "user: expected text")  # fmt: skip
    assert json.loads(kept.body)["user"] == "u-1"
    assert (kanhe.stats.sent, kanhe.stats.refused, kanhe.stats.refused_kept) == (3, 1, 1)
    assert "refused" in caplog.text
    fake.script = good
    assert kanhe.resend() == 1
    assert kanhe.flush(5)
    assert kanhe.stats.refused_kept == 0
    assert sorted(set(fake.recorded)) == _ids(4)


def test_a_batch_that_ends_early_goes_on_where_it_ended() -> None:
    """What stood before the end is not sent again; the line at the end, and those after it, are."""
    judge = _Judge(["stops"], set(), set())
    queue = MemoryQueue(9)
    sender = Sender((queue,), judge, Breaker(10), Counters())
    for number in range(5):
        queue.put(Outgoing(f"e{number}", "account.login", b"{}"))
    for _ in range(2):
        sender._again_at = 0.0
        sender._round()
    assert judge.sent == [_ids(5), _ids(5)[1:]]
    assert judge.taken == _ids(5)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, {}, problem("not-authenticated", 401)), "url and key"),
        ((403, {}, problem("scope-missing", 403)), "url and key"),
        ((404, {}, b"<html></html>"), "url and key"),
        ((200, {}, b"<html>welcome</html>"), "address of Kanhe"),
        ((200, {}, _taken(1, "another")), "address of Kanhe"),
        ((200, {}, problem("wrong-type", 422, line=7)), "address of Kanhe"),
        ((200, {}, _taken(1, "e0") * 3), "address of Kanhe"),
        ((200, {}, b""), ""),
        ((503, {"retry-after": "1"}, problem("overloaded", 503)), ""),
        ((429, {}, problem("rate-exceeded", 429)), ""),
        (None, ""),
    ],
    ids=str,
)
def test_nothing_is_lost_whatever_is_answered(
    fake: FakeKanhe, client: Client, caplog: pytest.LogCaptureFixture, answer: Answer, told: str
) -> None:
    """Events that were not taken stay until they are, and what somebody has to mend is told."""
    fake.script = lambda _: answer
    kanhe = client()
    for number in range(2):
        kanhe.record(_login(number))
    assert eventually(lambda: bool(fake.asked))
    kanhe.flush(0.1)
    fake.script = good
    assert kanhe.flush(10)
    assert set(fake.recorded) == set(_ids(2))
    assert kanhe.stats.refused_kept == 0
    assert told in caplog.text


def test_what_is_to_be_judged_is_asked_for(fake: FakeKanhe, client: Client) -> None:
    """Events go out in their order, in runs: to be judged, or to be recorded."""
    kanhe = client()
    fake.script = lambda _: (503, {}, b"")
    for number, judge in enumerate([False, True, True, False]):
        kanhe.record(_login(number), judge=judge)
    kanhe.flush(0.1)
    fake.script = good
    assert kanhe.flush(5)
    runs = [(one.path, one.ids) for one in fake.asked if one.path != "/readyz"]
    assert runs[-3:] == [
        ("/v1/events:batch", ["e0"]), ("/v1/decisions:batch", ["e1", "e2"]), ("/v1/events:batch", ["e3"]),
    ]  # fmt: skip


def test_a_key_that_may_not_ask_still_tells(
    fake: FakeKanhe, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the scope to ask, a question is answered by the fallback and its event is recorded; it
    does not stand in the way of others."""

    def script(asked: Asked) -> Answer:
        if asked.path.startswith("/v1/decisions"):
            return 403, {}, problem("scope-missing", 403)
        return good(asked)

    fake.script = script
    kanhe = client()
    assert kanhe.decide(_login("asked")).fallback
    kanhe.record(_login("told"))
    assert kanhe.flush(5)
    assert fake.recorded == ["easked", "etold"]
    assert "only recorded" in caplog.text


def test_the_sender_waits_as_long_as_it_is_asked_to(fake: FakeKanhe, client: Client) -> None:
    """A 503 with Retry-After is not answered by knocking again at once."""
    times: list[float] = []

    def script(asked: Asked) -> Answer:
        times.append(time.monotonic())
        busy = (503, {"retry-after": "1"}, problem("overloaded", 503))
        return busy if len(times) == 1 else good(asked)

    fake.script = script
    kanhe = client()
    kanhe.record(_login(0))
    assert kanhe.flush(10)
    assert times[1] - times[0] >= 1.0


def test_clients_that_share_a_queue_send_once(fake: FakeKanhe, client: Client) -> None:
    """Two clients over one file, as two workers have them: every event is sent once."""
    one, other = client(), client()
    for number in range(60):
        (one, other)[number % 2].record(_login(number))
    assert one.flush(5)
    assert other.flush(5)
    assert sorted(fake.recorded) == sorted(_ids(60))
    assert one.stats.sent + other.stats.sent == 60


def test_a_full_queue_is_told(
    client: Client, nowhere: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An event that has no place is counted as lost and told, and a decision is given all the same."""
    kanhe = client(nowhere, queue_max=2, timeout=0.05)
    assert [kanhe.record(_login(n)) for n in range(3)] == [True, True, False]
    assert kanhe.decide(_login(4)).fallback
    assert (kanhe.stats.lost, kanhe.pending) == (2, 2)
    assert "lost" in caplog.text


def test_a_queue_that_breaks_costs_no_sale(
    fake: FakeKanhe, client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While the file cannot be used events are kept in memory, sent from there, and it is told."""
    (tmp_path / "queue.db").write_text("this is no database, but somebody's notes " * 50)
    kanhe = client()
    assert kanhe.record(_login(0))
    assert kanhe.flush(5)
    assert fake.recorded == ["e0"]
    assert kanhe.stats.queue_faults >= 1
    assert "in memory only" in caplog.text
    fake.script = lambda asked: (200, {}, problem("wrong-type", 422, line=1))
    kanhe.record(_login(1))
    assert kanhe.flush(5)
    assert [one.event_id for one in kanhe.refused()] == ["e1"]
    fake.script = good
    assert kanhe.resend() == 1
    assert kanhe.flush(5)
    assert fake.recorded == ["e0", "e1", "e1"]


def test_what_memory_could_not_send_is_told(
    client: Client, nowhere: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a file, events that are left at the end are lost, and their number is told."""
    kanhe = client(nowhere, queue=None)
    kanhe.record(_login(0))
    kanhe.record(_login(1))
    kanhe.close()
    assert "2 events in memory" in caplog.text
    assert kanhe.stats.lost == 2


def test_flush_waits_for_what_waits_now_only(fake: FakeKanhe, client: Client) -> None:
    """A shop that goes on recording does not keep `flush` from returning."""
    kanhe = client()
    stop = threading.Event()

    def go_on() -> None:
        number = 0
        while not stop.wait(0.001):
            kanhe.record(_login(f"more-{number}"))
            number += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        assert kanhe.flush(5)
    finally:
        stop.set()
        thread.join()
    assert kanhe.flush(5)


def test_a_slow_key_gets_smaller_batches(
    fake: FakeKanhe, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that takes longer than its time is halved until it gets through."""
    monkeypatch.setattr(sending, "BATCH_S", 0.2)

    def script(asked: Asked) -> Answer:
        time.sleep(0.02 * len(asked.ids))
        return good(asked)

    kanhe = client()
    fake.script = lambda _: (503, {}, b"")
    for number in range(30):
        kanhe.record(_login(number))
    fake.script = script
    assert kanhe.flush(15)
    assert set(fake.recorded) == set(_ids(30))


class _Judge:
    """A Kanhe in a few lines: takes an id once, refuses some, and fails as it is told to."""

    def __init__(self, moods: Sequence[str], refuses: set[str], poison: set[str]) -> None:
        self._moods = list(moods)
        self._refuses = refuses
        self._poison = poison
        self.taken: list[str] = []
        self.sent: list[list[str]] = []

    def deliver(
        self, events: Sequence[Waiting], timeout_s: float, *, judge: bool
    ) -> Reply | Failure:
        assert {event.judge for event in events} == {judge}
        self.sent.append([event.event_id for event in events])
        mood = self._moods.pop(0) if self._moods else "good"
        if mood == "away":
            return Failure("ConnectError")
        if mood == "busy":
            return Reply(503, {"retry-after": "0"}, problem("overloaded", 503))
        if mood == "key":
            return Reply(401, {}, problem("not-authenticated", 401))
        if mood == "large" and len(events) > 1:
            return Reply(413, {}, problem("batch-too-large", 413))
        lines: list[bytes] = []
        for number, event in enumerate(events, 1):
            if event.event_id in self._poison:
                if not lines:
                    return Reply(500, {}, problem("internal", 500))
                lines.append(problem("internal", 500, line=number) + b"\n")
                break
            if mood == "stops" and number == 2:
                lines.append(problem("storage-unavailable", 503, line=number) + b"\n")
                break
            if event.event_id in self._refuses:
                lines.append(problem("wrong-value", 422, line=number) + b"\n")
                continue
            if event.event_id not in self.taken:
                self.taken.append(event.event_id)
            lines.append(_taken(number, event.event_id))
        if mood == "mute":
            return Failure("timeout", timed_out=True)
        if mood == "cut":
            return Reply(200, {}, b"".join(lines)[: len(lines[0]) // 2])
        return Reply(200, {}, b"".join(lines))

    def is_ready(self, timeout_s: float) -> Reply | Failure:
        return Reply(200, {}, b"")


_MOODS = st.lists(
    st.sampled_from(["good", "away", "busy", "key", "large", "stops", "mute", "cut"]), max_size=30
)


_SOME = st.sets(st.integers(0, 11))


@given(_MOODS, st.integers(0, 12), _SOME, _SOME, _SOME)
def test_exactly_once_whatever_happens(
    moods: list[str], count: int, refuses: set[int], poison: set[int], judged: set[int]
) -> None:
    """After any course of failures Kanhe has every event it would take, once, in their order; each of the
    others is kept apart, and nothing is left."""
    judge = _Judge(moods, {f"e{n}" for n in refuses}, {f"e{n}" for n in poison})
    queue, breaker = MemoryQueue(100), Breaker(2, 0.0, 0.0)
    sender = Sender((queue,), judge, breaker, Counters())
    for number in range(count):
        queue.put(Outgoing(f"e{number}", "account.login", b"{}", number in judged))
    for _ in range(len(moods) + 20 * (count + 1) * FAULTS_MOST):
        sender._again_at = 0.0
        sender._round()
    bad = {f"e{n}" for n in (refuses | poison) if n < count}
    assert queue.waiting() == 0
    assert judge.taken == [one for one in _ids(count) if one not in bad]
    assert {one.event_id for one in queue.refused(99)} == bad


def test_the_pause_doubles_and_ends(monkeypatch: Any) -> None:
    """Round by round the sender waits longer, never longer than its bound, and not at all after success."""
    judge = _Judge(["busy"] * 12, set(), set())
    queue = MemoryQueue(9)
    sender = Sender((queue,), judge, Breaker(10**6), Counters())
    queue.put(Outgoing("e0", "account.login", b"{}"))
    pauses = []
    for _ in range(12):
        sender._again_at = 0.0
        sender._round()
        pauses.append(sender._pause_s)
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-1] == 30.0
    sender._again_at = 0.0
    sender._round()
    assert sender._pause_s == 0.0
    assert judge.taken == ["e0"]
