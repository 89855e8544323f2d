"""The file of the desk: whose it is, what a transaction promises, and that tables are what steps make."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from kanhe.core.actor import Actor
from kanhe.core.errors import StorageError
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from kanhe.stores.desk import (
    accounts,
    case_history,
    cases,
    delivery,
    drafts,
    letters,
    outgoing,
    positions,
    sessions,
)
from kanhe.stores.desk.database import APPLICATION_ID, Desk
from kanhe.stores.desk.schema import METADATA


@pytest.mark.parametrize("where", ["file", "memory"])
def test_a_position_is_kept(tmp_path: Path, where: str) -> None:
    """It starts at 0 and is where it was moved last."""
    desk = Desk(tmp_path / "desk.db" if where == "file" else None)
    with desk.reading() as connection:
        assert positions.position(connection, "outbox") == 0
    for to in (7, 9):
        with desk.writing() as connection:
            positions.move(connection, "outbox", to)
    with desk.reading() as connection:
        assert positions.position(connection, "outbox") == 9
    desk.close()


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    """Of a transaction that fails, nothing is kept, and the desk can be used again."""
    desk = Desk(tmp_path / "desk.db")
    with pytest.raises(ZeroDivisionError), desk.writing() as connection:
        positions.move(connection, "outbox", 7)
        _ = 1 / 0
    with desk.writing() as connection:
        assert positions.position(connection, "outbox") == 0
    desk.close()


def test_writers_take_turns(tmp_path: Path) -> None:
    """Two threads that read and then write never lose each other's change."""
    desk = Desk(tmp_path / "desk.db")

    def count() -> None:
        for _ in range(50):
            with desk.writing() as connection:
                positions.move(connection, "n", positions.position(connection, "n") + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with desk.reading() as connection:
        assert positions.position(connection, "n") == 200
    desk.close()


def test_writers_have_their_turn_in_order(tmp_path: Path) -> None:
    """A thread that writes again and again keeps nobody out for longer than one of its transactions."""
    desk = Desk(tmp_path / "desk.db")
    stop, waited = threading.Event(), []

    def greedy() -> None:
        while not stop.is_set():
            with desk.writing() as connection:
                positions.move(connection, "greedy", 1)
                time.sleep(0.05)

    thread = threading.Thread(target=greedy)
    thread.start()
    try:
        for number in range(10):
            begun = time.monotonic()
            with desk.writing() as connection:
                positions.move(connection, "click", number)
            waited.append(time.monotonic() - begun)
    finally:
        stop.set()
        thread.join()
    desk.close()
    assert sorted(waited)[-2] < 1, waited


def test_what_was_left_survives_kill(tmp_path: Path) -> None:
    """A process that is killed inside a transaction has kept exactly those before it."""
    program = (
        "import os, pathlib, signal\n"
        "from kanhe.stores.desk import positions\n"
        "from kanhe.stores.desk.database import Desk\n"
        f"desk = Desk(pathlib.Path({str(tmp_path / 'desk.db')!r}))\n"
        "with desk.writing() as connection: positions.move(connection, 'n', 1)\n"
        "with desk.writing() as connection:\n"
        "    positions.move(connection, 'n', 2)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=False, env=dict(os.environ))
    assert ran.returncode == -9
    desk = Desk(tmp_path / "desk.db")
    with desk.reading() as connection:
        assert positions.position(connection, "n") == 1
    desk.close()


def test_the_tables_are_what_the_steps_make() -> None:
    """What the code declares and what a new file holds differ in nothing."""
    desk = Desk()
    for known in (accounts.STAFF, cases.CASES, case_history.STEPS, delivery.WEBHOOKS, drafts.DRAFTS,
                  letters.LETTERS, sessions.SESSIONS):  # fmt: skip
        assert known.name in METADATA.tables
    with desk.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    desk.close()


def test_what_staff_do_leaves_with_what_they_did() -> None:
    """An event goes out with the transaction it tells of, is whole, and the registry accepts it."""
    desk = Desk()
    actor = Actor(staff="st-1", name="Ana", roles=("analyst",), second_factor=True, ip="192.0.2.1")
    with pytest.raises(ZeroDivisionError), desk.writing() as connection:
        outgoing.tell_of(connection, actor, "unmasked", "customer", 5, tenant="shop")
        _ = 1 / 0
    with desk.writing() as connection:
        event_id = outgoing.tell_of(
            connection, actor, "unmasked", "customer", 1_767_225_600_000, tenant="shop", user="u-1",
            note="the buyer asked",
        )  # fmt: skip
        outgoing.announce(connection, "shop", "case.opened", {"case": 1}, 7)
    with desk.reading() as connection:
        (row,) = connection.execute(select(outgoing.EVENTS)).all()
        assert connection.execute(select(outgoing.NEWS.c.topic)).all() == [("case.opened",)]
    assert (row.tenant, row.event_id, row.sent_ms) == ("shop", event_id, 0)
    found = Reader(builtin()).read("shop", row.body, 1_767_225_600_001)
    assert found.event.id == event_id
    desk.close()


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    """Neither another program's file nor that of a newer Kanhe is changed; a file that is none is told."""
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(StorageError, match="not a Kanhe desk"):
        Desk(other)
    newer = tmp_path / "newer.db"
    Desk(newer).close()
    with sqlite3.connect(newer) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match="newer Kanhe"):
        Desk(newer)
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(os.urandom(8192))
    with pytest.raises(StorageError, match=r"garbage\.db"):
        Desk(garbage)
