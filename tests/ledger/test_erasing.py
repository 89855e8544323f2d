"""Erasing somebody: nothing of them is left, everything else stays, and every proof holds."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kanhe.app import Kanhe, Ledger, ask_to_erase, erasure_is_open, find_person, open_rows
from kanhe.core.decision import decision_id
from kanhe.core.errors import StorageError
from kanhe.core.event import Asked
from kanhe.core.settings import Settings
from kanhe.record.erasure import Erasure
from kanhe.record.journal.ports import ERASED, NOTED
from kanhe.record.log import verify as verifier
from kanhe.stores.sqlite.segments import read_segment
from tests.ledger.processes import Server, said, until
from tests.ledger.shops import audited, event, fold, opened, payment, send, settings

SECRETS = (
    "u-secret-42",
    "secret-77@mail.example",
    "tok_secret_9",
    "what the secret friend said",
    "secret-event-1",
)
NAMES = (("user", "u-secret-42"), ("email", "secret-77@mail.example"), ("card", "tok_secret_9"))
ROWS = 9


def _fill(kanhe: Kanhe) -> None:
    """A shop in which one person did much, and another tenant has somebody of the same id."""
    kanhe.tend()
    for n in range(30):
        send(kanhe, payment(f"e{n}", n, card=f"c{n}", user=f"u{n}"))
    named = {"user": "u-secret-42", "card": "tok_secret_9"}
    # Four in ten minutes: a rule puts the card on a list, and alerts leave.
    for n in range(5):
        send(kanhe, payment(f"secret-event-{n}", 100 + n, email="secret-77@mail.example", **named))
    send(kanhe, payment("by-email-only", 110, email="secret-77@mail.example", user="u1", card="c1"))
    send(
        kanhe,
        event("r1", "review.posted", 120, user="u-secret-42", order="o1", product="p1", rating=5,
              text="what the secret friend said"),
        event("m1", "message.sent", 121, user="u2", recipient="u-secret-42",
              text="what the secret friend said"),
        event("l1", "list.entry_added", 130, list_name="stolen_cards", value="tok_secret_9", staff="ana",
              note="what the secret friend said"),
        record=True,
    )  # fmt: skip
    send(kanhe, payment("other-1", 140, **named), tenant="other")
    for n in range(30, 40):
        send(kanhe, payment(f"e{n}", 200 + n, card=f"c{n}", user=f"u{n}"))
    kanhe.snapshot(background=False)


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    """That shop, folded and closed."""
    with opened(tmp_path) as kanhe:
        _fill(kanhe)
    at = settings(tmp_path)
    fold(at)
    return at


def _request(at: Settings, id: str = "00ff", **more: Any) -> Erasure:
    erasure = Erasure(
        id,
        more.pop("tenant", "shop"),
        more.pop("names", NAMES),
        "ticket 7",
        "ana",
        1_800_000_000_000,
    )
    erasure.check()
    return find_person(at, erasure, lambda done, total: None)


def _all_bytes(folder: Path) -> bytes:
    """Every byte of every file, and what is packed in them."""
    found = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    with closing(sqlite3.connect(folder / "journal.db")) as db:
        for (blob,) in db.execute("SELECT rows FROM journal"):
            found.append(msgspec.msgpack.encode(read_segment(blob)))
        found += [payload for (payload,) in db.execute("SELECT payload FROM outbox")]
    return b"\0".join(found)


def _check(at: Settings, notes: int = 1, tenant: str = "shop") -> None:
    """The end of an erasure: rows, note, lists, other tenant, files, log."""
    rows = list(open_rows(at)(0))
    gone = [row for row in rows if row.kind == ERASED]
    assert len(gone) == ROWS
    assert {row.tenant for row in gone} == {tenant}
    assert [row.event_id for row in rows if row.tenant == "other"] == ["other-1"]
    told = [row for row in rows if row.kind == NOTED and row.type == "privacy:person:erased"]
    assert len(told) == notes
    for note in told:
        facts = msgspec.json.decode(note.body)["facts"]
        assert (facts["rows"], facts["reason"], facts["by"]) == (str(ROWS), "ticket 7", "ana")
    assert not list((Path(at.data_dir) / "erasures").iterdir())
    fold(at)
    fits = audited(at)
    assert (fits.erased, fits.waiting) == (ROWS, 0)


def _nothing_left(at: Settings, rows_of_other: int = 1) -> None:
    """Nothing of the person stands in any file, but for the other tenant's person of the same id."""
    folder = Path(at.data_dir)
    everything = _all_bytes(folder)
    for secret in SECRETS:
        if secret in ("u-secret-42", "tok_secret_9"):
            continue
        assert secret.encode() not in everything, secret
    rows = [row for row in open_rows(at)(0) if row.tenant != "other"]
    text = repr(rows)
    assert not [secret for secret in SECRETS if secret in text]


def test_without_a_server(shop: Settings, tmp_path: Path) -> None:
    """All that names the person is destroyed, lists and snapshots too; events of the same ids are new."""
    before = {
        row.seq: Ledger(shop).receipt(row, with_event=True)
        for row in open_rows(shop)(0)
        if row.is_event
    }
    key = verifier.read_key(str(Ledger(shop).keys.public()[0].key), verifier.LOG_KEY)
    found = _request(shop)
    assert len(found.rows) == ROWS
    assert SECRETS[1].encode() in _all_bytes(Path(shop.data_dir))
    ask_to_erase(shop, found)
    with opened(tmp_path) as kanhe:
        assert kanhe.lists().contains("stolen_cards", "shop", "tok_secret_9", 1_767_225_800_000)
        kanhe.finish_upkeep()
        assert not kanhe.lists().contains("stolen_cards", "shop", "tok_secret_9", 1_767_225_800_000)
        assert not list((tmp_path / "data" / "snapshots").iterdir())
        erased = [row for row in kanhe.journal.rows() if row.kind == ERASED]
        assert not any(
            message.payload for _, message in kanhe.journal.outbox() if message.seq in found.rows
        )
        # Its decisions are still proven, by their entries alone.
        receipts = [kanhe.receipt("shop", decision_id(row.seq), True) for row in erased]
        opened_now = [r and verifier.verify(r, key.name, [key]).opened for r in receipts]
        assert opened_now.count(()) == 6
        assert opened_now.count(None) == 3
    assert not erasure_is_open(shop, found.id)
    _check(shop)
    _nothing_left(shop)
    for receipt in before.values():
        assert receipt
        assert verifier.verify(receipt, key.name, [key]).opened == ("event", "answer")
    with opened(tmp_path) as kanhe:
        (again,) = send(kanhe, payment("secret-event-1", 101, user="somebody", card="else"))
        assert b"secret-event-1" in again
        assert kanhe.journal.find("shop", "secret-event-1").seq == len(list(kanhe.journal.rows()))  # type: ignore[union-attr]  # it was sent


def test_memory_made_anew_knows_nothing_of_the_rows(shop: Settings, tmp_path: Path) -> None:
    """Built from the first row, memory is that of a shop to which the person never came."""
    ask_to_erase(shop, _request(shop))
    with opened(tmp_path) as kanhe:
        kanhe.finish_upkeep()
    for snapshot in (tmp_path / "data" / "snapshots").iterdir():
        snapshot.unlink()
    with opened(tmp_path) as kanhe:
        (fresh,) = send(kanhe, payment("new", 105, user="u-secret-42", card="tok_secret_9"))
        assert b'"score":0' in fresh
        assert b"listed" not in fresh


def test_an_address_is_found_however_it_is_spelled(tmp_path: Path) -> None:
    """An IP address is erased as events spell it, whichever spelling was asked for."""
    at = settings(tmp_path)
    with opened(tmp_path) as kanhe:
        send(kanhe, event("i1", "account.login", 1, user="u1", ip="2001:db8::1"), record=True)
    found = _request(at, names=(("ip", "2001:DB8:0::1"),))
    assert len(found.rows) == 1


def test_two_requests_at_once(shop: Settings, tmp_path: Path) -> None:
    """Two people ask for the same person: both are told, each in a note, and nothing is done twice."""
    for id in ("01", "02"):
        ask_to_erase(shop, _request(shop, id))
    with opened(tmp_path) as kanhe:
        kanhe.finish_upkeep()
    _check(shop, notes=2)
    _nothing_left(shop)


STEPS: dict[str, tuple[str, int]] = {
    "keep": ("kanhe.stores.files.erasures.ErasureFolder.keep", 1),
    "erase": ("kanhe.app.installation.Kanhe.erase_rows", 1),
    "journal": ("kanhe.stores.sqlite.journal.SqliteJournal._erase_some", 3),
    "cut": ("kanhe.stores.sqlite.journal.SqliteJournal._cut_log", 1),
    "forget": ("kanhe.app.installation.Kanhe.forget", 1),
    "drop": ("kanhe.stores.files.snapshots.SnapshotFolder.drop_all", 1),
    "note": ("kanhe.app.installation.Kanhe.note", 1),
    "done": ("kanhe.stores.files.erasures.ErasureFolder.done", 1),
}
"""What is called at each step, and which call of it is to fail."""


def _breaking(
    patch: pytest.MonkeyPatch, step: str, after: bool, breaks: Callable[[], None]
) -> None:
    """Have a step break once, before or after it took effect."""
    name, due = STEPS[step]
    owner: Any = sys.modules[name.rpartition(".")[0].rpartition(".")[0]]
    owner = getattr(owner, name.split(".")[-2])
    real = getattr(owner, name.rpartition(".")[2])
    calls = [0]

    def broken(*args: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] != due:
            return real(*args, **more)
        if after:
            real(*args, **more)
        return breaks()

    patch.setattr(owner, name.rpartition(".")[2], broken)


def crash(step: str, after: bool, folder: Path) -> None:
    """In a process of its own: be killed at a step of erasing."""
    with pytest.MonkeyPatch.context() as patch, opened(folder) as kanhe:
        _breaking(patch, step, after, lambda: os.kill(os.getpid(), signal.SIGKILL))
        kanhe.finish_upkeep()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_each_step_fails_once(
    shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    """Whichever step fails, the next call does the rest, and nobody can tell afterwards."""
    request = _request(shop)
    # Part of it is found only by whoever carries it out.
    ask_to_erase(
        shop, msgspec.structs.replace(request, upto=request.rows[2], rows=request.rows[:3])
    )

    def fails() -> None:
        raise StorageError("the fault of this test")

    with opened(tmp_path) as kanhe:
        with monkeypatch.context() as patch:
            _breaking(patch, step, after, fails)
            with pytest.raises(StorageError, match="the fault of this test"):
                for _ in range(20):
                    kanhe.tend()
        for _ in range(20):
            kanhe.tend()
        assert not kanhe.lists().contains("stolen_cards", "shop", "tok_secret_9", 1_767_225_800_000)
    _check(shop)
    _nothing_left(shop)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "when"),
    [("keep", "after"), ("journal", "after"), ("cut", "before"), ("drop", "before"), ("note", "after"), ("done", "before")],
)  # fmt: skip
def test_killed_at_each_step(shop: Settings, tmp_path: Path, step: str, when: str) -> None:
    """After `kill -9` at any step the next process does the rest, with the same end."""
    request = _request(shop)
    ask_to_erase(
        shop, msgspec.structs.replace(request, upto=request.rows[2], rows=request.rows[:3])
    )
    pid = os.fork()
    if pid == 0:
        try:
            crash(step, when == "after", tmp_path)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    with opened(tmp_path) as kanhe:
        kanhe.finish_upkeep()
    _check(shop)
    _nothing_left(shop)


def test_many_rows_while_events_keep_coming(tmp_path: Path) -> None:
    """Two thousand rows go in small pieces; every event that comes between them is taken in."""
    at = settings(tmp_path)
    with opened(tmp_path) as kanhe:
        for begin in range(0, 2_000, 200):
            kanhe.take(
                [
                    Asked("shop", payment(f"s{n}", n, user="u-secret-42", card=f"c{n}"), frozenset(), False)
                    for n in range(begin, begin + 200)
                ]
            )  # fmt: skip
            kanhe.commit()
        ask_to_erase(at, _request(at, names=(("user", "u-secret-42"),)))
        pieces: list[int] = []
        erase = kanhe.journal.erase

        def counted(entries: Any) -> None:
            pieces.append(len(entries))
            erase(entries)

        kanhe.journal.erase = counted  # type: ignore[method-assign]  # to see how much it does at once
        sent = 0
        while erasure_is_open(at, "00ff"):
            kanhe.tend()
            send(kanhe, payment(f"between-{sent}", 3_000 + sent, user=f"b{sent}", card=f"b{sent}"))
            sent += 1
            assert sent < 2_000
        assert sum(pieces) == 2_000
        assert max(pieces) <= 16
        ids = [row.event_id for row in kanhe.journal.rows() if row.is_event]
        assert ids == [f"between-{n}" for n in range(sent)]
    fold(at)
    assert audited(at).erased == 2_000
    assert b"u-secret-42" not in _all_bytes(Path(at.data_dir))


def test_beside_a_running_server(tmp_path: Path) -> None:
    """`kanhe erase` hands the request over, waits, and tells; the server answers all the while."""
    server = Server(tmp_path)
    try:
        server.send("secret-event-1", user="u-secret-42", email="secret-77@mail.example")
        server.send("e2", user="u2")
        done = said(
            tmp_path, "erase", "user=u-secret-42", "email=secret-77@mail.example",
            "--reason", "ticket 7", "--by", "ana", "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert msgspec.json.decode(done.stdout)["rows"] == 1
        again = said(tmp_path, "erase", "user=u-secret-42")
        assert again.returncode == 1
        assert server.send("e2", user="u2")["e2"]["event_id"] == "e2"
        rows = server.metrics()["kanhe_journal_seq"]
        until(lambda: server.folded() >= rows, "all is folded", 30)
        folder = tmp_path / "data"
        for secret in ("u-secret-42", "secret-77@mail", "secret-event-1"):
            assert secret.encode() not in _all_bytes(folder)
        assert said(tmp_path, "ledger", "audit").returncode == 0
        assert not any(secret in line for line in server.said for secret in SECRETS)
    finally:
        server.stop()


def test_a_log_that_is_being_read_is_cut_later(shop: Settings, tmp_path: Path) -> None:
    """While somebody reads old pages the request stays open, and it is done as soon as they end."""
    ask_to_erase(shop, _request(shop))
    with opened(tmp_path) as kanhe:
        with closing(sqlite3.connect(Path(shop.data_dir) / "journal.db")) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM journal").fetchone()
            for _ in range(3):
                with pytest.raises(StorageError, match="another program reads it"):
                    kanhe.tend()
            assert erasure_is_open(shop, "00ff")
        for _ in range(20):
            kanhe.tend()
        assert not erasure_is_open(shop, "00ff")
    _check(shop)
    _nothing_left(shop)
