"""Installations with a past: several packs in force in turn, and ways to tamper with what they keep."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kanhe.app import open_history
from kanhe.core.event import Asked
from kanhe.judge.policy.pack import Pack, load_pack
from kanhe.record.journal.ports import Row
from kanhe.replay import Audit, Change, Comparison, Difference, Span, audit, backtest
from kanhe.stores.sqlite.segments import SegmentEncoder, read_segment
from tests.flow.packs import FEATURES, RULES, START_MS, opened, payment, settings, write_pack

SCOPES = frozenset({"decide", "record", "lists"})
LONGER = (
    FEATURES.replace('"10m"', '"2h"')
    + 'cards_1d = distinct("payment.attempted", "card", by="user", over="1d")\n'
)
STRICTER = RULES.replace("card_n_10m >= 3, points=50", "card_n_10m >= 2, points=70").replace(
    "[list_add(\"stolen_cards\", card, \"1h\"), notify(\"risk\")]", "[notify(\"risk\")]"
)  # fmt: skip
TEXTS = ((FEATURES, RULES), (LONGER, RULES), (FEATURES, STRICTER), (LONGER, STRICTER))
"""Features and rules of the packs that take turns."""
PLACES = {"kind": 3, "event_id": 6, "body": 7, "vector": 8, "answer": 9}
"""Where a packed row has what can be tampered with."""


def put_in_force(tmp_path: Path, number: int) -> Path:
    """Make this pack the one with which the installation opens next."""
    return write_pack(tmp_path / "pack", *TEXTS[number])


def pack_of(tmp_path: Path, number: int) -> Pack:
    """This pack, beside the installation."""
    return load_pack(write_pack(tmp_path / f"other{number}", *TEXTS[number]))


def live(tmp_path: Path, asked: Iterable[Asked], size: int = 7) -> None:
    """One life of the installation: open, take in groups, commit each, close with a snapshot."""
    stream = list(asked)
    with opened(tmp_path) as kanhe:
        for begin in range(0, len(stream), size):
            kanhe.take(stream[begin : begin + size])
            kanhe.commit()


def judged(*raws: bytes, tenant: str = "a") -> list[Asked]:
    """Events to be judged."""
    return [Asked(tenant, raw, SCOPES, True) for raw in raws]


def recorded(*raws: bytes, tenant: str = "a") -> list[Asked]:
    """Events to be recorded only."""
    return [Asked(tenant, raw, SCOPES, False) for raw in raws]


def listed(event_id: str, value: str, kind: str = "list.entry_added", second: int = 0) -> bytes:
    """Somebody changes the list of stolen cards."""
    return _event(event_id, kind, second, list_name="stolen_cards", value=value, staff="s1")


def label(event_id: str, subject: str, verdict: str, second: int = 90_000) -> bytes:
    """Somebody says what turned out to be true of an event."""
    return _event(
        event_id, "label.assigned", second, verdict=verdict, subject_event=subject, user="u1"
    )


def _event(event_id: str, kind: str, second: int, **fields: Any) -> bytes:
    body = {"id": event_id, "type": kind, "at_ms": START_MS + second * 1000, **fields}
    return json.dumps(body).encode()


def a_past(tmp_path: Path) -> None:
    """Three packs, four lives: late events, retries, refusals, lists, recorded events."""
    put_in_force(tmp_path, 0)
    live(tmp_path, judged(*(payment(f"a{i}", i) for i in range(6)), payment("a1", 1), b"{"))
    put_in_force(tmp_path, 1)
    live(tmp_path, [
        *recorded(payment("b0", 4_000), payment("b1", -5_000, card="c2")),
        *judged(listed("l1", "c2"), payment("b2", 4_001, card="c2"), payment("b3", 30)),
    ])  # fmt: skip
    live(tmp_path, [*judged(payment("b4", 4_002), tenant="b"), *judged(payment("b5", 4_003))])
    put_in_force(tmp_path, 0)
    live(tmp_path, judged(listed("l2", "c2", "list.entry_removed", 4_004),
                          payment("d0", 4_005, card="c2"), payment("d1", 4_006)))  # fmt: skip


def rows_of(tmp_path: Path) -> list[Row]:
    """The rows of the installation, read beside whoever uses it."""
    with open_history(settings(tmp_path)) as history:
        assert history is not None
        return list(history.journal.rows())


def audited(tmp_path: Path, span: Span | None = None) -> tuple[Audit, list[Difference]]:
    """What an audit of the installation finds."""
    found = Audit()
    with open_history(settings(tmp_path)) as history:
        assert history is not None
        return found, list(audit(history, span or Span(), found))


def compared(
    tmp_path: Path, pack: Pack, span: Span | None = None, keep: int = 20
) -> tuple[Comparison, list[Change]]:
    """What another pack would have changed."""
    found = Comparison()
    with open_history(settings(tmp_path)) as history:
        assert history is not None
        changes = list(backtest(history, pack, span or Span(), found, keep=keep))
        return found, changes


def tamper(tmp_path: Path, seq: int, **changed: Any) -> None:
    """Write the segment of a row anew, whole and with a good checksum, with other content."""
    db = sqlite3.connect(tmp_path / "data" / "journal.db")
    with db:
        (first, blob), = db.execute(
            "SELECT first, rows FROM journal WHERE first <= ? ORDER BY first DESC LIMIT 1", (seq,)
        )  # fmt: skip
        rows: Sequence[Any] = read_segment(blob)
        row = list(rows[seq - first])
        for name, value in changed.items():
            row[PLACES[name]] = value
        anew = [*rows[: seq - first], tuple(row), *rows[seq - first + 1 :]]
        value = SegmentEncoder().value(anew)
        db.execute("UPDATE journal SET rows = ? WHERE first = ?", (value, first))
    db.close()


def tamper_with_packs(tmp_path: Path, archive: bytes | None, policy: str) -> None:
    """Exchange or lose the kept text of a pack."""
    db = sqlite3.connect(tmp_path / "data" / "journal.db")
    with db:
        db.execute("UPDATE policies SET archive = ? WHERE word = ?", (archive, policy))
    db.close()
