"""Clients in processes that are split, killed and started again, and a real Kanhe at the other end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from kanhe.client import Kanhe, Refused, events
from tests.client.fake_kanhe import FakeKanhe
from tests.client.serving import Served, make_key

_WORKERS = """
import os, sys, threading
from kanhe.client import Kanhe, events

url, queue, used = sys.argv[1:4]
kanhe = Kanhe(url, fallback={"*": "hold"}, queue=queue or None, timeout=20, close_timeout=30)

def buy(name):
    found = kanhe.decide(events.PaymentAttempted(id=f"{name}-pay", amount_minor=1, currency="EUR"))
    assert not found.fallback, found.why
    for number in range(5):
        assert kanhe.record(events.AccountLogin(id=f"{name}-{number}", user="u"))

if used == "used":
    buy("master")
children = []
for worker in range(3):
    child = os.fork()
    if not child:
        code = 1
        try:
            threads = [threading.Thread(target=buy, args=(f"w{worker}-{n}",)) for n in range(4)]
            for one in threads: one.start()
            for one in threads: one.join()
            code = 0 if kanhe.flush(30) and kanhe.stats.decided == 4 else 2
            kanhe.close()  # a worker that is cut off in the middle of a batch has it sent again
        finally:
            os._exit(code)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
buy("after")
kanhe.close()
assert codes == [0, 0, 0], codes
"""


@pytest.mark.parametrize("used", ["used", "new"])
@pytest.mark.parametrize("file", [True, False], ids=["file", "memory"])
def test_workers_that_were_split_off_work(
    fake: FakeKanhe, tmp_path: Path, used: str, file: bool
) -> None:
    """A client made before a fork, used or not, works in each worker's threads and in the master after
    it: every question is answered, and every event is sent, once, whichever of them sends it."""
    queue = str(tmp_path / "queue.db") if file else ""
    command = [sys.executable, "-W", "error", "-c", _WORKERS, fake.url, queue, used]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    names = [f"w{worker}-{n}" for worker in range(3) for n in range(4)]
    names += ["after", "master"] if used == "used" else ["after"]
    asked = [one for request in fake.of("/v1/decisions") for one in request.ids]
    assert sorted(asked) == sorted(f"{name}-pay" for name in names)
    assert sorted(fake.recorded) == sorted(f"{name}-{n}" for name in names for n in range(5))


_SPLITTERS = """
import os, sys, threading
from kanhe.client import Kanhe, events

kanhe = Kanhe(sys.argv[1], fallback={"*": "hold"}, queue=sys.argv[2], timeout=20, close_timeout=30)
codes = []

def split(worker):
    for number in range(3):
        kanhe.record(events.AccountLogin(id=f"parent-{worker}-{number}", user="u"))
        child = os.fork()
        if not child:
            kanhe.record(events.AccountLogin(id=f"child-{worker}-{number}", user="u"))
            kanhe.close()
            os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

threads = [threading.Thread(target=split, args=(worker,)) for worker in range(4)]
for one in threads: one.start()
for one in threads: one.join()
assert kanhe.flush(30)
kanhe.close()
assert codes == [0] * 12, codes
"""


def test_threads_that_split_off_workers_at_once(fake: FakeKanhe, tmp_path: Path) -> None:
    """Several threads may fork at the same time, while others record: nobody waits for ever, and every
    event arrives."""
    command = [sys.executable, "-c", _SPLITTERS, fake.url, str(tmp_path / "queue.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    names = [f"{side}-{w}-{n}" for side in ("parent", "child") for w in range(4) for n in range(3)]
    assert sorted(set(fake.recorded)) == sorted(names)


_IMPORTS = """
import sys
from kanhe.client import Kanhe, events

kanhe = Kanhe(sys.argv[1], fallback={"*": "hold"}, queue=sys.argv[2], timeout=20, close_timeout=30)
before = set(sys.modules)
kanhe.record(events.AccountLogin(id="one", user="u"))
found = kanhe.decide(events.PaymentAttempted(id="two", amount_minor=1, currency="EUR"))
kanhe.flush(1 if found.fallback else 5)
kanhe.close()
print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("url", ["", "http://localhost:1", "https://127.0.0.1:1"])
def test_nothing_is_left_to_import_when_events_are_sent(
    fake: FakeKanhe, tmp_path: Path, url: str
) -> None:
    """Whoever forks while another thread imports leaves the child a module that nobody finishes."""
    command = [sys.executable, "-c", _IMPORTS, url or fake.url, str(tmp_path / "queue.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the real server."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def key(place: Path) -> str:
    """A key that may decide, record and read metrics."""
    return make_key(place, "--scope", "decide", "--scope", "record", "--scope", "metrics")


@pytest.fixture(scope="module")
def served(place: Path, key: str) -> Iterator[Served]:
    """A real server that asks for keys."""
    one = Served(place)
    yield one
    one.end()


@pytest.fixture
def journaled(served: Served, key: str) -> Callable[[], int]:
    """How many events the server's journal holds."""

    def count() -> int:
        answer = httpx.get(f"{served.url}/metrics", headers={"authorization": f"Bearer {key}"})
        (line,) = [one for one in answer.text.splitlines() if one.startswith("kanhe_journal_seq ")]
        return int(float(line.split()[1]))

    return count


_KILLED = """
import sys
from kanhe.client import Kanhe, events
kanhe = Kanhe(sys.argv[1], fallback={"*": "allow"}, queue=sys.argv[2], timeout=0.05)
number = 0
while True:
    assert kanhe.record(events.AccountLogin(id=f"killed-{number}", user="u-killed"))
    print(number, flush=True)
    number += 1
"""


def test_a_killed_shop_loses_nothing(
    served: Served, key: str, journaled: Callable[[], int], tmp_path: Path, nowhere: str
) -> None:
    """Everything that `record` had returned for before a `kill -9` reaches Kanhe from the next process,
    once."""
    queue = tmp_path / "queue.db"
    shop = subprocess.Popen(
        [sys.executable, "-c", _KILLED, nowhere, str(queue)], stdout=subprocess.PIPE, text=True
    )
    assert shop.stdout
    for line in shop.stdout:
        if int(line) >= 300:
            break
    shop.send_signal(signal.SIGKILL)
    last = max([300, *(int(line) for line in shop.stdout.read().split())])
    shop.wait()
    shop.stdout.close()
    before = journaled()
    with Kanhe(served.url, key, queue=queue) as kanhe:
        assert kanhe.flush(20)
        assert kanhe.stats.refused_kept == 0
        assert journaled() - before in (last + 1, last + 2)
        # Sent again, they are known: nothing counts twice.
        for number in range(last + 1):
            kanhe.record(events.AccountLogin(id=f"killed-{number}", user="u-killed"))
        assert kanhe.flush(20)
        assert journaled() - before in (last + 1, last + 2)


def test_every_kind_of_event_is_taken_by_a_real_kanhe(
    served: Served, key: str, journaled: Callable[[], int], tmp_path: Path
) -> None:
    """The registry's own examples, made with the classes, are recorded; what needs another scope is kept
    apart, and so is a type that Kanhe does not know."""
    from kanhe.judge.intake.registry import builtin

    before = journaled()
    with Kanhe(served.url, key, queue=tmp_path / "queue.db") as kanhe:
        for made in builtin().types.values():
            fields = {name: value for name, value in made.example.items() if name != "type"}
            kanhe.record(events.BY_TYPE[made.name](**fields))
        kanhe.record(events.Event(id="own", type="shop.unheard_of", fields={"user": "u-1"}))
        assert kanhe.flush(20)
        apart = {one.type: one.problem for one in kanhe.refused()}
        restricted = [made.name for made in builtin().types.values() if made.restricted]
        assert apart == {
            **dict.fromkeys(restricted, "/problems/restricted-type"),
            "shop.unheard_of": "/problems/unknown-type",
        }
        assert journaled() - before == len(builtin().types) - len(restricted)


def test_a_real_kanhe_decides_and_refuses(served: Served, key: str, tmp_path: Path) -> None:
    """A decision has its reasons in both languages; a card number is refused by name; a wrong key is
    answered by the fallback, and its events wait."""
    with Kanhe(
        served.url, key, queue=tmp_path / "q.db", fallback={"*": "allow"}, timeout=10
    ) as kanhe:
        event = events.PaymentAttempted(
            id="pay-1001", user="u-42", device="d-7", ip="203.0.113.7", card="tok_9f2",
            amount_minor=24900, currency="EUR", card_country="DE", ip_country="BR", is_tor=True,
        )  # fmt: skip
        found = kanhe.decide(event)
        assert (found.outcome, found.fallback) == ("challenge", False)
        assert found.reasons[0].text.zh
        assert found.policy.startswith("sha256:")
        assert kanhe.decide(event) == found
        with pytest.raises(Refused) as caught:
            kanhe.decide(
                events.PaymentAttempted(amount_minor=1, currency="EUR", card="4111111111111111")
            )
        assert [one.field for one in caught.value.errors] == ["card"]
    wrong = f"kanhe_{key.split('_')[1]}_{'x' * len(key.split('_')[2])}"
    with Kanhe(
        served.url, wrong, queue=tmp_path / "w.db", fallback={"*": "allow"}, timeout=10
    ) as kanhe:
        found = kanhe.decide(events.AccountLogin(id="with-wrong-key", user="u-42"))
        assert (found.outcome, found.fallback, found.why) == ("allow", True, "401 /problems/not-authenticated")  # fmt: skip
        assert kanhe.pending == 1
    with Kanhe(served.url, key, queue=tmp_path / "w.db") as kanhe:
        assert kanhe.flush(10)
        assert kanhe.pending == 0
