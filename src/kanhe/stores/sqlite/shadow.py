"""What packs in shadow decided, in `shadow.db`: written by the process that follows, read by anybody.

A batch of verdicts and how far it goes become durable together, so that after a crash the process goes
on behind the last one, and nothing is counted twice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kanhe.core.decision import SEVERITY
from kanhe.record.shadow import Agreement, RuleShare, ShadowReport, Verdict
from kanhe.stores.sqlite.faults import explained
from kanhe.stores.sqlite.schema import open_database, open_read_only

_ADD = (
    "INSERT INTO agreement (run, live, shadow, events, amount_minor) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (run, live, shadow) DO UPDATE SET events = events + excluded.events,"
    " amount_minor = amount_minor + excluded.amount_minor"
)


class ShadowBook:
    """The file, for the one process that writes it. Raises `StorageError` if it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_database(path, "shadow")
        self._run = 0

    def begin(self, policy: str, base: str, first: int) -> int:
        """Go on with a pack whose shadow began with row `first`; gives the last row that it has judged.

        A pack whose shadow has begun anew since starts over.
        """
        with explained(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            found = self._db.execute(
                "SELECT id, first, upto FROM runs WHERE policy = ?", (policy,)
            ).fetchone()
            if found is None or found[1] != first:
                for table in ("agreement", "verdicts"):
                    self._db.execute(
                        f"DELETE FROM {table} WHERE run = ?", (found[0] if found else 0,)
                    )
                self._db.execute("DELETE FROM runs WHERE policy = ?", (policy,))
                made = self._db.execute(
                    "INSERT INTO runs (policy, base, first, upto) VALUES (?, ?, ?, ?)",
                    (policy, base, first, first),
                )
                found = (made.lastrowid, first, first)
            self._db.execute("COMMIT")
        self._run = found[0]
        upto: int = found[2]
        return upto

    def keep(self, verdicts: Sequence[Verdict], upto: int) -> None:
        """Keep verdicts that follow those kept before; durable when it returns."""
        events: Counter[tuple[str, str]] = Counter()
        money: Counter[tuple[str, str]] = Counter()
        for one in verdicts:
            events[one.live, one.shadow] += 1
            money[one.live, one.shadow] += one.amount_minor
        rows = [
            (self._run, *one[:-1], json.dumps(one.rules))
            for one in verdicts
            if one.rules or one.live != one.shadow
        ]
        with explained(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(
                    "INSERT INTO verdicts (run, seq, type, live, shadow, score, amount_minor, rules)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    rows,
                )
                self._db.executemany(
                    _ADD, [(self._run, *pair, events[pair], money[pair]) for pair in events]
                )
                self._db.execute("UPDATE runs SET upto = ? WHERE id = ?", (upto, self._run))
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Release the file."""
        self._db.close()


def read_shadow(path: Path, policy: str, examples: int = 10) -> ShadowReport | None:
    """What is known of a pack in shadow, beside whoever writes; `None` if it never was.

    Raises `StorageError`.
    """
    if not path.exists():
        return None
    db = open_read_only(path, "shadow")
    try:
        with explained(path):
            db.execute("BEGIN")
            run = db.execute(
                "SELECT id, base, first, upto FROM runs WHERE policy = ?", (policy,)
            ).fetchone()
            if run is None:
                return None
            id, base, first, upto = run
            agreement = [
                Agreement._make(row)
                for row in db.execute(
                    "SELECT live, shadow, events, amount_minor FROM agreement WHERE run = ?", (id,)
                )
            ]
            verdicts: list[Any] = db.execute(
                "SELECT seq, type, live, shadow, score, amount_minor, rules FROM verdicts"
                " WHERE run = ? ORDER BY seq DESC",
                (id,),
            ).fetchall()
    finally:
        db.close()
    return ShadowReport(
        policy, base, first, upto, sorted(agreement), *_gathered(verdicts, examples)
    )


def _gathered(verdicts: Sequence[Any], most: int) -> tuple[list[RuleShare], list[Verdict]]:
    """By rule, and the newest that would have been decided harder."""
    fired: Counter[str] = Counter()
    denied: Counter[str] = Counter()
    money: Counter[str] = Counter()
    harder: list[Verdict] = []
    for *rest, coded in verdicts:
        one = Verdict._make((*rest, tuple(json.loads(coded))))
        newly = one.shadow == "deny" != one.live
        for rule in one.rules:
            fired[rule] += 1
            denied[rule] += newly
            money[rule] += one.amount_minor if newly else 0
        if SEVERITY[one.shadow] > SEVERITY[one.live] and len(harder) < most:
            harder.append(one)
    rules = [RuleShare(rule, fired[rule], denied[rule], money[rule]) for rule in fired]
    return sorted(rules, key=lambda r: (-r.newly_denied, -r.fired, r.rule)), harder
