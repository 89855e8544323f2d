"""The client of this process, and the promise that nothing about it breaks a page.

The client is made when it is first needed, after any fork.

That Kanhe is down and that it refuses an event are two things. Down, the fallback that the shop
declared is the answer. What is refused is asked about again without anything a visitor has typed: who
could make an event be refused by what they type would otherwise be past every rule. If that is refused
as well, a person has to look: nothing of it is ever allowed by a fallback.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from kanhe.client import ClientError, Decision, InvalidEvent, Kanhe, Refused, Unreachable
from kanhe.connect.oscar.configuration import configuration

logger = logging.getLogger("kanhe.connect")
_lock = threading.Lock()
_client: Kanhe | None = None
_SURE = (
    "id", "at_ms", "user", "device", "session", "ip", "card", "order", "payment", "product", "review",
    "refund", "amount_minor", "currency", "order_minor", "payment_method", "card_country", "is_guest",
    "attempt_no", "rating", "refund_reason", "refund_to", "login_method", "login_failure", "changed",
    "password_method", "cart_action", "decline_reason", "subject_event", "subject_at_ms",
    "chargeback_reason", "cancelled_by", "cancel_reason",
)  # fmt: skip
"""What the shop knows by itself."""


@dataclass(frozen=True)
class Answer:
    """What came back: Kanhe's decision, or what is declared for having none."""

    outcome: str
    event_id: str
    decision_id: str = ""
    fallback: bool = False


def client() -> Kanhe:
    """The client of this process."""
    global _client
    if _client is None:
        with _lock:
            if _client is None:
                chosen = configuration()
                _client = Kanhe(
                    chosen.url, key=chosen.key, queue=str(chosen.queue), timeout=chosen.timeout_s,
                    fallback={"*": "allow", **chosen.fallback},
                )  # fmt: skip
    return _client


def close() -> None:
    """End it; what is queued stays in the file. Used at exit, after a fork, and when settings change."""
    global _client
    found, _client = _client, None
    if found is not None:
        found.close()


def _forget() -> None:
    """After a fork the parent's client is the parent's."""
    global _client, _lock
    _client, _lock = None, threading.Lock()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def decide(event: Any, type_: str) -> Answer:
    """Ask about an event before it takes effect. Never raises for what Kanhe says or fails to say."""
    try:
        found = _asked(event, type_)
    except Unreachable as error:  # no fallback is declared, which `client` rules out
        logger.error("no answer about %s %s: %s", type_, event.id, error)
        return Answer("review", event.id, fallback=True)
    except ClientError as error:
        logger.error("Kanhe refuses %s %s: %s", type_, event.id, error)
        return Answer("review", event.id)
    if found.fallback:
        logger.warning("no answer about %s %s: %s stands", type_, event.id, found.outcome)
    return Answer(found.outcome, found.event_id, found.decision_id, found.fallback)


def _asked(event: Any, type_: str) -> Decision:
    """Ask, and once more by what nobody can type. Raises `ClientError`."""
    try:
        return client().decide(event)
    except (Refused, InvalidEvent) as error:
        logger.error("Kanhe did not take %s %s as it was: %s", type_, event.id, error)
        return client().decide(bare(event))


def bare(event: Any) -> Any:
    """The event without what a visitor types or sends: ids and amounts that the shop itself has made."""
    known = {name: getattr(event, name, None) for name in _SURE}
    return type(event)(**{name: value for name, value in known.items() if value is not None})


def tell(event: Any, *, judged: bool = True) -> None:
    """Tell of something that has happened; it is in the queue when this returns, and sent in the
    background. `judged` has rules look at it, though nobody waits for what they say: what they find
    becomes a case. Not judged, it counts all the same."""
    try:
        client().record(event, judge=judged)
    except ClientError as error:
        logger.error("Kanhe does not take %s %s: %s", type(event).__name__, event.id, error)
        try:
            client().record(bare(event), judge=judged)
        except ClientError as again:
            logger.error("nor what is left of it: %s", again)


def tell_after_commit(make: Callable[[], Any]) -> None:
    """Make and tell an event once what it speaks of is durable; never, if it is rolled back."""
    transaction.on_commit(lambda: tell(make()))
