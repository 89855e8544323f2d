"""One battery for both queues, and what only a file has to hold to."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.client.event import Outgoing
from kanhe.client.queue import FileQueue, MemoryQueue, Queue, QueueBroken
from kanhe.client.queue.ports import Refusing


def _event(number: int | str, size: int = 10) -> Outgoing:
    return Outgoing(f"e{number}", "account.login", b"x" * size)


def _make(kind: str, folder: Path, most: int = 1000) -> Queue:
    if kind == "memory":
        return MemoryQueue(most)
    return FileQueue(folder / "queue.db", most, kind)


@pytest.fixture(params=["memory", "normal", "full"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    """Each kind of queue."""
    one = _make(request.param, tmp_path)
    yield one
    one.close()


def _ids(queue: Queue) -> list[str]:
    return [event.event_id for event in queue.head(10_000, 10**9)]


def test_first_in_first_out(queue: Queue) -> None:
    """Events come out as they went in, and stay until they are settled."""
    for number in range(5):
        assert queue.put(_event(number))
    first = queue.head(2, 10**9)
    assert [event.event_id for event in first] == ["e0", "e1"]
    assert queue.waiting() == 5
    queue.settle([event.number for event in first], [])
    assert _ids(queue) == ["e2", "e3", "e4"]
    assert queue.waiting() == 3
    assert queue.ends() == (first[0].number + 2, first[0].number + 4)


def test_an_id_waits_once(queue: Queue) -> None:
    """An event that waits already is kept once, also when the queue is full."""
    assert queue.put(_event(1))
    assert queue.put(_event(1, 20))
    assert queue.waiting() == 1
    assert queue.head(9, 10**9)[0].body == b"x" * 10


@pytest.mark.parametrize("kind", ["memory", "normal"])
def test_a_full_queue_says_so(kind: str, tmp_path: Path) -> None:
    """Beyond its bound a queue takes nothing new, keeps what it has, and takes again when there is room."""
    queue = _make(kind, tmp_path, most=3)
    assert [queue.put(_event(n)) for n in range(5)] == [True, True, True, False, False]
    assert queue.put(_event(2))
    queue.settle([queue.head(1, 1)[0].number], [])
    assert queue.put(_event(9))
    assert _ids(queue) == ["e1", "e2", "e9"]
    queue.close()


def test_a_batch_is_bounded_in_bytes_but_never_empty(queue: Queue) -> None:
    """An event larger than the bound is handed out alone, so that it cannot stand in the way."""
    for number, size in enumerate([1000, 10, 10]):
        queue.put(_event(number, size))
    assert len(queue.head(10, 100)) == 1
    queue.settle([queue.head(1, 1)[0].number], [])
    assert len(queue.head(10, 100)) == 2


def test_refused_events_are_kept_apart_and_can_go_again(queue: Queue) -> None:
    """A refused event leaves the way, is kept whole with its reason, and can be put back."""
    queue.put(_event(1))
    queue.put(_event(2))
    number = queue.head(1, 1)[0].number
    assert queue.settle([], [Refusing(number, "/problems/wrong-type", "user: no")]) == 0
    assert _ids(queue) == ["e2"]
    (kept,) = queue.refused(10)
    assert (kept.event_id, kept.type, kept.body) == _event(1)[:3]
    assert (kept.problem, kept.detail) == ("/problems/wrong-type", "user: no")
    assert queue.refused_count() == 1
    assert queue.forgive([99]) == 0
    assert queue.forgive(None) == 1
    assert _ids(queue) == ["e2", "e1"]
    assert queue.refused_count() == 0


@pytest.mark.parametrize("kind", ["memory", "normal"])
def test_refused_events_are_bounded_and_it_is_told(kind: str, tmp_path: Path) -> None:
    """The oldest refused events go when there are too many, and their number is given back."""
    queue = _make(kind, tmp_path, most=2)
    gone = []
    for number in range(4):
        queue.put(_event(number))
        gone.append(queue.settle([], [Refusing(queue.head(1, 1)[0].number, "p", "d")]))
    assert gone == [0, 0, 1, 1]
    assert [one.event_id for one in queue.refused(9)] == ["e2", "e3"]
    queue.close()


def test_blame_is_counted(queue: Queue) -> None:
    """Failures on one event are counted with it."""
    queue.put(_event(1))
    number = queue.head(1, 1)[0].number
    queue.blame(number)
    queue.blame(number)
    queue.blame(number + 7)
    assert queue.head(1, 1)[0].faults == 2


def test_one_claims_at_a_time(queue: Queue) -> None:
    """A claim is one's own until it is released."""
    assert queue.claim()
    assert not queue.claim()
    queue.release()
    assert queue.claim()
    queue.release()
    queue.release()


def test_threads_lose_nothing(queue: Queue) -> None:
    """Events put by many threads while others are settled are all there, once."""
    taken: list[str] = []

    def put(worker: int) -> None:
        for number in range(50):
            assert queue.put(_event(f"{worker}-{number}"))

    threads = [threading.Thread(target=put, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or queue.waiting():
        events = queue.head(20, 10**9)
        taken += [event.event_id for event in events]
        queue.settle([event.number for event in events], [])
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(f"e{worker}-{n}" for worker in range(8) for n in range(50))


@settings(max_examples=40)
@given(st.lists(st.one_of(st.integers(0, 9), st.sampled_from(["take", "refuse", "forgive"]))))
def test_the_file_is_the_memory(steps: list[int | str]) -> None:
    """Whatever is done to both, the file and its twin in memory hold the same."""
    with tempfile.TemporaryDirectory() as folder:
        both = (_make("memory", Path(folder), 5), _make("normal", Path(folder), 5))
        for step in steps:
            seen = []
            for queue in both:
                head = queue.head(1, 1)
                match step:
                    case "take":
                        queue.settle([event.number for event in head], [])
                    case "refuse":
                        queue.settle([], [Refusing(event.number, "p", "d") for event in head])
                    case "forgive":
                        queue.forgive(None)
                    case _:
                        queue.put(_event(step))
                kept = [one.event_id for one in queue.refused(99)]
                seen.append((_ids(queue), queue.waiting(), kept, queue.refused_count()))
            assert seen[0] == seen[1]
        for queue in both:
            queue.close()


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    """The file holds what buyers did: its mode is 0600, and so are those beside it."""
    queue = FileQueue(tmp_path / "queue.db", 10)
    queue.put(_event(1))
    assert queue.claim()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    queue.close()
    assert set(modes) == {"queue.db", "queue.db-wal", "queue.db-shm", "queue.db.sender"}
    assert set(modes.values()) == {0o600}


def test_a_file_that_others_could_read_is_shut(tmp_path: Path) -> None:
    """A queue that was copied or made with more rights is its owner's alone from the next use on."""
    queue = FileQueue(tmp_path / "queue.db", 10)
    queue.put(_event(1))
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    other = FileQueue(tmp_path / "queue.db", 10)
    assert other.waiting() == 1
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    other.close()
    queue.close()
    assert {modes[name] for name in ("queue.db", "queue.db-wal", "queue.db-shm")} == {0o600}


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    """Another database, a text, a queue of a later release: nothing is written into it."""
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE orders (id)")
    shop.close()
    (tmp_path / "notes.txt").write_text("not a database " * 100)
    with sqlite3.connect(tmp_path / "later.db", isolation_level=None) as later:
        later.execute("PRAGMA application_id = 0x4B514B31")
        later.execute("PRAGMA user_version = 99")
    later.close()
    for name, said in (("shop.db", "another database"), ("notes.txt", "not a database"), ("later.db", "release")):  # fmt: skip
        before = (tmp_path / name).read_bytes()
        queue = FileQueue(tmp_path / name, 10)
        with pytest.raises(QueueBroken, match=said):
            queue.put(_event(1))
        queue.close()
        assert (tmp_path / name).read_bytes() == before


def test_a_full_disk_is_told_and_leaves_the_queue_whole(tmp_path: Path) -> None:
    """When the file cannot grow, the event is not taken, and what is in it can be taken out."""
    queue = FileQueue(tmp_path / "queue.db", 10_000)
    queue.put(_event("first"))
    with queue._putting.reading() as db:
        db.execute("PRAGMA max_page_count = 16").fetchall()
    taken = 0
    with pytest.raises(QueueBroken, match="full"):
        for number in range(100):
            queue.put(_event(number, 4000))
            taken += 1
    assert queue.waiting() == len(_ids(queue)) == taken + 1
    queue.settle([event.number for event in queue.head(5, 10**9)], [])
    assert queue.put(_event("again"))
    queue.close()


_PUTTER = """
import sys
from pathlib import Path
from kanhe.client.event import Outgoing
from kanhe.client.queue import FileQueue
queue = FileQueue(Path(sys.argv[1]), 10**6)
for number in range(int(sys.argv[3])):
    queue.put(Outgoing(f"{sys.argv[2]}-{number}", "account.login", b"{}"))
    print(number, flush=True)
if sys.argv[2] == "ends":
    queue.close()
"""


def _putter(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _PUTTER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_share_a_file(tmp_path: Path) -> None:
    """Three processes make one file at the same moment and put into it; everything is there, once."""
    path = tmp_path / "queue.db"
    putters = [_putter(path, f"p{n}", 50) for n in range(3)]
    for one in putters:
        one.communicate(timeout=60)
        assert one.returncode == 0
    queue = FileQueue(path, 10**6)
    assert sorted(_ids(queue)) == sorted(f"p{n}-{m}" for n in range(3) for m in range(50))
    assert queue.waiting() == 150
    queue.close()


def test_connections_make_a_file_at_the_same_moment(tmp_path: Path) -> None:
    """However many open a new file at once, each finds it ready, and none takes it for another's."""
    for number in range(20):
        path, failures = tmp_path / f"{number}.db", []
        together = threading.Barrier(4)

        def put(name: int, path: Path = path, together: threading.Barrier = together) -> None:
            queue = FileQueue(path, 10)
            together.wait()
            try:
                queue.put(_event(name))
                queue.waiting()
            except QueueBroken as error:
                failures.append(str(error))  # noqa: B023 (the threads end within the round)
            queue.close()

        threads = [threading.Thread(target=put, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []


def test_what_was_put_outlives_a_kill(tmp_path: Path) -> None:
    """After `kill -9` everything that `put` had returned for is in the file."""
    path = tmp_path / "queue.db"
    putter = _putter(path, "killed", 10**6)
    assert putter.stdout
    last = -1
    for line in putter.stdout:
        last = int(line)
        if last >= 200:
            break
    putter.send_signal(signal.SIGKILL)
    last = max([last, *(int(line) for line in putter.stdout.read().splitlines() if line)])
    putter.wait()
    putter.stdout.close()
    queue = FileQueue(path, 10**7)
    there = _ids(queue)
    queue.close()
    assert there[: last + 1] == [f"killed-{n}" for n in range(last + 1)]
    assert len(there) - (last + 1) in (0, 1)


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    """While one process sends, another cannot; when it is killed, another can at once."""
    path = tmp_path / "queue.db"
    code = (
        "import sys, time; from pathlib import Path; from kanhe.client.queue import FileQueue;"
        "q = FileQueue(Path(sys.argv[1]), 10); print(q.claim(), flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout
    assert other.stdout.readline() == "True\n"
    queue = FileQueue(path, 10)
    assert not queue.claim()
    other.kill()
    other.wait()
    other.stdout.close()
    assert queue.claim()
    queue.close()


def test_a_fork_holds_nothing_open(tmp_path: Path) -> None:
    """Parent and child both go on with the file after a fork, and neither damages it."""
    queue = FileQueue(tmp_path / "queue.db", 1000)
    queue.put(_event("before"))
    assert queue.claim()
    reading, writing = os.pipe()
    queue.before_fork()
    child = os.fork()
    if child == 0:
        done: dict[str, Any] = {}
        try:
            queue.after_fork(child=True)
            done["claimed"] = queue.claim()
            done["put"] = queue.put(_event("child"))
            queue.close()
        finally:
            os.write(writing, json.dumps(done).encode())
            os._exit(0)
    queue.after_fork(child=False)
    queue.put(_event("parent"))
    os.waitpid(child, 0)
    os.close(writing)
    done = json.loads(os.read(reading, 1000))
    os.close(reading)
    assert done == {"claimed": False, "put": True}
    assert sorted(_ids(queue)) == ["ebefore", "echild", "eparent"]
    with queue._sending.reading() as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    queue.close()
