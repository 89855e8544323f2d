"""What the gateway keeps: tokens, payments, refunds, disputes and notices, in one SQLite file.

Every step is one transaction with `synchronous=FULL`: what was answered is there after a crash. No
card number is ever written, only its fingerprint and its last four digits.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .cards import Behaviour, behaviour_of, fingerprint

_SCHEMA = """
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
  token TEXT PRIMARY KEY, card TEXT NOT NULL, last4 TEXT NOT NULL, behaviour TEXT NOT NULL,
  created_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS payments (
  payment TEXT PRIMARY KEY, once TEXT UNIQUE NOT NULL, asked TEXT NOT NULL, order_number TEXT NOT NULL,
  token TEXT NOT NULL REFERENCES tokens, amount_minor INTEGER NOT NULL, currency TEXT NOT NULL,
  status TEXT NOT NULL, decline TEXT NOT NULL, captured_minor INTEGER NOT NULL DEFAULT 0,
  refunded_minor INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS payments_of_order ON payments (order_number);
CREATE TABLE IF NOT EXISTS refunds (
  refund TEXT PRIMARY KEY, payment TEXT NOT NULL REFERENCES payments, once TEXT UNIQUE NOT NULL,
  amount_minor INTEGER NOT NULL, created_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS disputes (
  dispute TEXT PRIMARY KEY, payment TEXT UNIQUE NOT NULL REFERENCES payments, reason TEXT NOT NULL,
  amount_minor INTEGER NOT NULL, created_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notices (
  notice TEXT PRIMARY KEY, body TEXT NOT NULL, due_ms INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  done_ms INTEGER NOT NULL DEFAULT 0);
"""
TOKEN_LIFE_MS = 30 * 60 * 1000
_MOST_TRIES = 12


class Refused(Exception):
    """It cannot be done as asked; `status` is the one of HTTP, `code` for programs."""

    def __init__(self, status: int, code: str, told: str) -> None:
        super().__init__(told)
        self.status = status
        self.code = code


class Notice(NamedTuple):
    """Something the shop has not been told yet."""

    id: str
    body: str
    tries: int


class Book:
    """The gateway's own record."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self._card_key = self._secret("card-key")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def tokenise(self, digits: str) -> dict[str, Any]:
        """A token for this card, good for half an hour, and what the shop may know of the card."""
        behaviour, card = behaviour_of(digits), fingerprint(digits, self._card_key)
        token = "tok_" + secrets.token_urlsafe(18)
        with self._writing() as db:
            db.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?)",
                (token, card, digits[-4:], json.dumps(behaviour), _now_ms()),
            )
        return _shown_card(token, card, digits[-4:], behaviour)

    def card_of(self, token: str) -> dict[str, Any]:
        """What the shop may know of the card behind a token. Raises `Refused`."""
        row = self._token(token)
        return _shown_card(token, row["card"], row["last4"], _behaviour(row))

    def authorise(
        self, once: str, order: str, token: str, amount_minor: int, currency: str
    ) -> dict[str, Any]:
        """Set money aside, or decline; the same `once` gets the same answer and moves nothing again."""
        asked = json.dumps([order, token, amount_minor, currency])
        with self._writing() as db:
            if found := db.execute("SELECT * FROM payments WHERE once = ?", (once,)).fetchone():
                if found["asked"] != asked:
                    raise Refused(
                        409, "idempotency_conflict", "this key was used for another payment"
                    )
                return self._shown(found)
            card = self._token(token)
            if _now_ms() - card["created_ms"] > TOKEN_LIFE_MS:
                raise Refused(409, "token_expired", "the card has to be entered again")
            decline = _behaviour(card).decline
            payment = "pay_" + secrets.token_urlsafe(12)
            db.execute(
                "INSERT INTO payments (payment, once, asked, order_number, token, amount_minor, currency,"
                " status, decline, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (payment, once, asked, order, token, amount_minor, currency,
                 "declined" if decline else "authorized", decline, _now_ms()),
            )  # fmt: skip
            return self._shown(self._payment(payment))

    def payment(self, payment: str) -> dict[str, Any]:
        """What became of a payment. Raises `Refused`."""
        return self._shown(self._payment(payment))

    def of_order(self, order: str) -> list[dict[str, Any]]:
        """The payments of an order, oldest first."""
        rows = self._db.execute(
            "SELECT * FROM payments WHERE order_number = ? ORDER BY created_ms", (order,)
        )
        return [self._shown(row) for row in rows.fetchall()]

    def capture(self, payment: str, amount_minor: int) -> dict[str, Any]:
        """Take what was set aside. Again with the same amount: the same answer. Raises `Refused`."""
        with self._writing() as db:
            row = self._payment(payment)
            if row["status"] == "captured" and row["captured_minor"] == amount_minor:
                return self._shown(row)
            if row["status"] != "authorized":
                raise Refused(409, "not_authorized", f"the payment is {row['status']}")
            if not 0 < amount_minor <= row["amount_minor"]:
                raise Refused(422, "amount", "more than was authorized")
            behaviour = _behaviour(self._token(row["token"]))
            if behaviour.capture_fails:
                raise Refused(402, "capture_failed", "the bank did not hand the money over")
            db.execute(
                "UPDATE payments SET status = 'captured', captured_minor = ? WHERE payment = ?",
                (amount_minor, payment),
            )
            if behaviour.disputed:
                self._dispute(db, payment, "fraud")
            return self._shown(self._payment(payment))

    def void(self, payment: str) -> dict[str, Any]:
        """Let go of what was set aside. Raises `Refused` once it was captured."""
        with self._writing() as db:
            row = self._payment(payment)
            if row["status"] not in ("authorized", "voided"):
                raise Refused(409, "not_authorized", f"the payment is {row['status']}")
            db.execute("UPDATE payments SET status = 'voided' WHERE payment = ?", (payment,))
            return self._shown(self._payment(payment))

    def refund(self, payment: str, once: str, amount_minor: int) -> dict[str, Any]:
        """Give money back, once for each `once`, never more than was taken. Raises `Refused`."""
        with self._writing() as db:
            found = db.execute("SELECT * FROM refunds WHERE once = ?", (once,)).fetchone()
            if found is None:
                row = self._payment(payment)
                if not 0 < amount_minor <= row["captured_minor"] - row["refunded_minor"]:
                    raise Refused(422, "amount", "more than was captured and not yet refunded")
                refund = "ref_" + secrets.token_urlsafe(12)
                db.execute(
                    "INSERT INTO refunds VALUES (?, ?, ?, ?, ?)",
                    (refund, payment, once, amount_minor, _now_ms()),
                )
                db.execute(
                    "UPDATE payments SET refunded_minor = refunded_minor + ? WHERE payment = ?",
                    (amount_minor, payment),
                )
                found = db.execute("SELECT * FROM refunds WHERE once = ?", (once,)).fetchone()
            elif (found["payment"], found["amount_minor"]) != (payment, amount_minor):
                raise Refused(409, "idempotency_conflict", "this key was used for another refund")
        return {
            "refund": found["refund"], "payment": payment, "amount_minor": amount_minor,
            "status": "paid",
        }  # fmt: skip

    def dispute(self, payment: str, reason: str) -> dict[str, Any]:
        """Have the cardholder's bank take the money back, as it does weeks later. Raises `Refused`."""
        with self._writing() as db:
            if self._payment(payment)["status"] != "captured":
                raise Refused(409, "not_captured", "only what was captured can be disputed")
            return self._dispute(db, payment, reason)

    # What the shop is still to be told

    def due(self) -> list[Notice]:
        """Notices that should go out now."""
        rows = self._db.execute(
            "SELECT notice, body, tries FROM notices WHERE done_ms = 0 AND due_ms <= ? AND tries < ?"
            " ORDER BY due_ms LIMIT 20",
            (_now_ms(), _MOST_TRIES),
        )
        return [Notice(*row) for row in rows.fetchall()]

    def told(self, notice: Notice, *, taken: bool) -> None:
        """The shop took it, or did not and will be asked again, later each time."""
        with self._writing() as db:
            if taken:
                db.execute(
                    "UPDATE notices SET done_ms = ? WHERE notice = ?", (_now_ms(), notice.id)
                )
            else:
                db.execute(
                    "UPDATE notices SET tries = tries + 1, due_ms = ? WHERE notice = ?",
                    (_now_ms() + 1000 * 2 ** min(notice.tries, 10), notice.id),
                )

    def _dispute(self, db: sqlite3.Connection, payment: str, reason: str) -> dict[str, Any]:
        row = self._payment(payment)
        if found := db.execute("SELECT * FROM disputes WHERE payment = ?", (payment,)).fetchone():
            return dict(found)
        dispute, now = "dp_" + secrets.token_urlsafe(12), _now_ms()
        db.execute(
            "INSERT INTO disputes VALUES (?, ?, ?, ?, ?)",
            (dispute, payment, reason, row["captured_minor"], now),
        )
        body = {
            "type": "payment.disputed", "dispute": dispute, "payment": payment,
            "order": row["order_number"], "amount_minor": row["captured_minor"],
            "currency": row["currency"], "reason": reason, "at_ms": now,
        }  # fmt: skip
        # The notice is durable with the dispute: neither is ever without the other.
        db.execute(
            "INSERT INTO notices (notice, body, due_ms) VALUES (?, ?, ?)",
            ("msg_" + secrets.token_urlsafe(12), json.dumps(body), now),
        )
        return body

    def _token(self, token: str) -> sqlite3.Row:
        row = self._db.execute("SELECT * FROM tokens WHERE token = ?", (token,)).fetchone()
        if row is None:
            raise Refused(404, "no_such_token", "there is no such token")
        return row

    def _payment(self, payment: str) -> sqlite3.Row:
        row = self._db.execute("SELECT * FROM payments WHERE payment = ?", (payment,)).fetchone()
        if row is None:
            raise Refused(404, "no_such_payment", "there is no such payment")
        return row

    def _shown(self, row: sqlite3.Row) -> dict[str, Any]:
        card = self._token(row["token"])
        shown = {
            name: row[name]
            for name in ("payment", "amount_minor", "currency", "status", "captured_minor", "refunded_minor")
        }  # fmt: skip
        behaviour = _behaviour(card)
        return {
            **shown, "order": row["order_number"], "card": card["card"], "cvv_result": behaviour.cvc,
            "decline_reason": row["decline"] or None,
        }  # fmt: skip

    def _secret(self, name: str) -> bytes:
        with self._writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO secrets VALUES (?, ?)", (name, secrets.token_bytes(32))
            )
            return bytes(
                db.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()[0]
            )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _behaviour(row: sqlite3.Row) -> Behaviour:
    return Behaviour(*json.loads(row["behaviour"]))


def _shown_card(token: str, card: str, last4: str, behaviour: Behaviour) -> dict[str, Any]:
    return {
        "token": token, "card": card, "last4": last4, "brand": behaviour.brand,
        "country": behaviour.country, "funding": behaviour.funding,
    }  # fmt: skip


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
