"""The client of this process, and the promise that nothing about it breaks a page.

The client is made when it is first needed, after any fork, with a queue of its own where the file's
name says so. What Kanhe refuses is a mistake of this app or of the shop's settings: it is logged, and
the declared fallback is the answer.
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

from kanhe.client import ClientError, Kanhe
from kanhe.connect.oscar.configuration import configuration

logger = logging.getLogger("kanhe.connect")
_lock = threading.Lock()
_client: Kanhe | None = None
OUTCOME_OF = {"allow": "allow", "challenge": "challenge", "hold": "review"}


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
        found = client().decide(event)
    except ClientError as error:
        logger.error("Kanhe did not take %s %s: %s", type_, event.id, error)
        declared = configuration().fallback
        outcome = OUTCOME_OF[declared.get(type_, declared.get("*", "allow"))]
        return Answer(outcome, event.id, fallback=True)
    if found.fallback:
        logger.warning("no answer about %s %s: %s stands", type_, event.id, found.outcome)
    return Answer(found.outcome, found.event_id, found.decision_id, found.fallback)


def tell(event: Any, *, judged: bool = True) -> None:
    """Tell of something that has happened; it is in the queue when this returns, and sent in the
    background. `judged` has rules look at it, though nobody waits for what they say: what they find
    becomes a case. Not judged, it counts all the same."""
    try:
        client().record(event, judge=judged)
    except ClientError as error:
        logger.error("Kanhe does not take %s %s: %s", type(event).__name__, event.id, error)


def tell_after_commit(make: Callable[[], Any]) -> None:
    """Make and tell an event once what it speaks of is durable; never, if it is rolled back."""
    transaction.on_commit(lambda: tell(make()))
