"""The circuit breaker: a Kanhe that is down is found out once, not by every buyer.

- *closed*: everything is asked. `failures` failed questions in a row open it.
- *open*: nothing is asked. After a pause the background sender makes one trial, so that no buyer
  waits for it; where that sender does not run, a question becomes the trial `OVERDUE_S` later.
- *half-open*: the one trial is on its way. If it succeeds the breaker closes, if it fails it opens
  for twice as long, up to `longest_s`. The pause begins small again only when a question was
  answered, so that a server that answers its health check and no question costs ever less.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half-open"]

OVERDUE_S = 2.0
"""How long after a trial is due the background is waited for."""
TRIAL_S = 15.0
"""A trial nobody reported on counts as failed after so long."""
_SPREAD = 0.2


class Breaker:
    """Safe to share between threads. `monotonic` and `chance` (0 to 1) can be replaced in tests."""

    def __init__(
        self,
        failures: int = 5,
        pause_s: float = 1.0,
        longest_s: float = 5.0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._most = failures
        self._first_s = pause_s
        self._longest_s = longest_s
        self._monotonic = monotonic
        self._chance = chance
        self._lock = threading.Lock()
        self._state: State = "closed"
        self._failed = 0
        self._pause_s = pause_s
        self._due = 0.0
        self.opened = 0
        """How often it opened."""

    @property
    def state(self) -> State:
        """What it is now."""
        return self._state

    def admits(self) -> bool:
        """Whether a question may be asked now. Costs nothing while closed or open."""
        return self._state == "closed" or self._try(OVERDUE_S)

    def trial(self) -> bool:
        """Whether the caller is to make the trial that is due; then `succeeded` or `failed` must follow."""
        return self._try(0.0)

    def wait_s(self) -> float:
        """How long until a trial is due; 0 while closed."""
        if self._state == "closed":
            return 0.0
        return max(0.0, self._due - self._monotonic())

    def succeeded(self, *, answered: bool) -> bool:
        """Kanhe was reached; `answered` if it answered a question in time. True if this closed it."""
        if self._state == "closed" and not self._failed and not answered:
            return False
        with self._lock:
            was, self._state = self._state, "closed"
            if answered or was != "closed":
                self._failed = 0
            if answered:
                self._pause_s = self._first_s
            elif was != "closed":
                self._pause_s = min(self._pause_s * 2, self._longest_s)
            return was != "closed"

    def failed(self) -> bool:
        """Kanhe was not reached, or not in time. True if this opened it."""
        with self._lock:
            if self._state == "open":
                return False
            if self._state == "half-open":
                self._open(min(self._pause_s * 2, self._longest_s))
                return False
            self._failed += 1
            if self._failed < self._most:
                return False
            self.opened += 1
            self._open(self._pause_s)
            return True

    def _open(self, pause_s: float) -> None:
        self._state = "open"
        self._pause_s = pause_s
        self._due = self._monotonic() + pause_s * (1 + _SPREAD * (2 * self._chance() - 1))

    def _try(self, grace_s: float) -> bool:
        now = self._monotonic()
        if self._state == "closed" or now < self._due + grace_s:
            return False
        with self._lock:
            if self.state == "closed" or now < self._due + grace_s:
                return False  # another thread was faster
            # The next trial is due when this one must have ended, reported on or not.
            self._state = "half-open"
            self._due = now + TRIAL_S
            return True
