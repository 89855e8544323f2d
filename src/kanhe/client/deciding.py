"""The way of one question, told once for both faces: it says what to do, others do it.

(1) The event is checked and made into bytes; every attempt sends the same.
(2) If the breaker is open, nobody is asked.
(3) Kanhe is asked, within what is left of the time.
(4) A decision is the answer. A refusal of the event is raised.
(5) What may pass is asked again under the same id, after a pause, while there is time: Kanhe answers a
    repeated id with its first answer and counts it once.
(6) Without an answer the event goes into the queue, and will arrive under the same id to be judged
    late: if Kanhe has decided it after all, that stands, and nothing counts twice.
(7) Only then is the declared fallback answered. What was not declared is raised.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Generator
from typing import NamedTuple

from kanhe.client.breaker import Breaker
from kanhe.client.decision import Decision, NotAnAnswer, Outcome, read_decision
from kanhe.client.errors import Refused, Unreachable
from kanhe.client.event import Outgoing
from kanhe.client.options import Options
from kanhe.client.stats import Counters
from kanhe.client.wire import Failure, Reply, in_words, is_passing, refusal_of, retry_after_s

_log = logging.getLogger("kanhe")
_FIRST_PAUSE_S = 0.02


class Ask(NamedTuple):
    """Send the event; the answer is a `Reply` or a `Failure`."""

    event: Outgoing
    timeout_s: float


class Pause(NamedTuple):
    """Wait."""

    seconds: float


class Keep(NamedTuple):
    """Put the event into the queue."""

    event: Outgoing


Step = Ask | Pause | Keep
Steps = Generator[Step, Reply | Failure | None, Decision]


class _Fell(NamedTuple):
    """Why there is no answer; `taken` if Kanhe has the event all the same."""

    why: str
    taken: bool = False


def deciding(event: Outgoing, options: Options, breaker: Breaker, counters: Counters) -> Steps:
    """Steps (2) to (7) for one event; raises `Refused` or `Unreachable`."""
    result: Decision | _Fell = _Fell("the breaker is open")
    if breaker.admits():  # (2)
        try:
            result = yield from _asking(event, options.timeout_s, breaker, counters)
        except Refused:
            breaker.succeeded(answered=True)
            raise
    if isinstance(result, Decision):
        counters.add("decided")
        return result
    if not result.taken:
        yield Keep(event)  # (6)
    return _fallen(event, result, options.fallback_for(event.type), counters)  # (7)


def _asking(
    event: Outgoing, timeout_s: float, breaker: Breaker, counters: Counters
) -> Generator[Step, Reply | Failure | None, Decision | _Fell]:
    """Steps (3) to (5)."""
    deadline = time.monotonic() + timeout_s
    pause_s = _FIRST_PAUSE_S
    left_s = timeout_s
    while True:
        answer = yield Ask(event, left_s)  # (3)
        assert answer is not None
        wait_s = pause_s * (0.5 + random.random())  # noqa: S311 (only spreads attempts)
        if isinstance(answer, Failure):
            why = answer.why
        else:
            result = _understood(event, answer)  # (4)
            if result is not None:
                breaker.succeeded(answered=True)
                return result
            why = in_words(answer)
            wait_s = max(wait_s, retry_after_s(answer))
        left_s = deadline - time.monotonic() - wait_s
        if left_s <= 0:
            break
        yield Pause(wait_s)  # (5)
        counters.add("retries")
        left_s = deadline - time.monotonic()
        if left_s <= 0 or breaker.state == "open":
            break  # others have found out meanwhile that Kanhe is away
        pause_s *= 2
    if breaker.failed():
        counters.add("breaker_opened")
        _log.error("kanhe: no answer (%s); nothing is asked until a trial succeeds", why)
    return _Fell(why)


def _understood(event: Outgoing, reply: Reply) -> Decision | _Fell | None:
    """What an answer says; None if the same question may get another one. Raises `Refused`."""
    if reply.status == 200:
        try:
            decision = read_decision(reply.body, event.event_id)
        except NotAnAnswer:
            return None
        if decision is None:
            return _Fell("the event had been recorded before", taken=True)
        return decision
    if is_passing(reply):
        return None
    if problem := refusal_of(reply):
        raise Refused(problem, event.event_id)
    # Nothing about the event: a wrong key, a scope that is missing, a wrong address, a clock that is
    # ahead. Asking again at once will not help, and selling should go on while somebody mends it.
    why = in_words(reply)
    _log.error("kanhe: answers %s instead of deciding; look at url, key and clock", why)
    return _Fell(why)


def _fallen(event: Outgoing, fell: _Fell, declared: Outcome | None, counters: Counters) -> Decision:
    counters.add("fallbacks")
    if declared is None:
        raise Unreachable(
            f"Kanhe gave no answer for {event.type} ({fell.why}), and fallback names neither this "
            "type nor '*'; the event is kept and will arrive"
        )
    _log.debug("kanhe: the fallback %s for %s: %s", declared, event.type, fell.why)
    return Decision(event_id=event.event_id, outcome=declared, fallback=True, why=fell.why)
