"""What runs beside the console's pages: taking up alerts, delivering, minding deadlines.

Each has a thread of its own. One that fails is logged, waits, each time longer, and tries again: its
neighbours and the pages go on meanwhile.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import msgspec

from kanhe.core.errors import KanheError

_log = logging.getLogger("kanhe.console")
_LONGEST_PAUSE_S = 60.0
_STOP_S = 10.0

Work = Callable[[], object]
"""One round of a loop. What it gives is true if there is more to do at once."""


class LoopState(msgspec.Struct):
    """How a loop stands."""

    name: str
    rounds: int = 0
    failures: int = 0
    """Failures in a row: 0 while all is well."""
    trouble: str = ""


class Loops:
    """Loops by name, started together and stopped together."""

    def __init__(self) -> None:
        self._loops: list[tuple[LoopState, float, Work]] = []
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._nudges: dict[str, threading.Event] = {}

    def add(self, name: str, every_s: float, work: Work) -> None:
        """Have `work` done every so many seconds. Only before `start`."""
        self._loops.append((LoopState(name), every_s, work))
        self._nudges[name] = threading.Event()

    def nudge(self, name: str) -> None:
        """Have a loop look at once, because something has come for it."""
        self._nudges[name].set()

    def start(self) -> None:
        """Begin."""
        for state, every_s, work in self._loops:
            thread = threading.Thread(
                target=self._run, args=(state, every_s, work), name=f"kanhe-{state.name}", daemon=True
            )  # fmt: skip
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Stop them, each after the round it is in."""
        self._stop.set()
        for nudge in self._nudges.values():
            nudge.set()
        for thread in self._threads:
            thread.join(_STOP_S)
        self._threads.clear()

    @property
    def stopping(self) -> bool:
        """Whether a round that takes long should end now."""
        return self._stop.is_set()

    def states(self) -> list[LoopState]:
        """How each stands, as copies."""
        return [msgspec.structs.replace(state) for state, _, _ in self._loops]

    def _run(self, state: LoopState, every_s: float, work: Work) -> None:
        nudge = self._nudges[state.name]
        while not self._stop.is_set():
            nudge.clear()
            has_more = False
            try:
                has_more = bool(work())
            except Exception as error:  # the boundary: what fails once is tried again
                self._failed(state, error)
            else:
                if state.failures:
                    _log.info("loop.recovered", extra={"loop": state.name})
                state.failures, state.trouble = 0, ""
            state.rounds += 1
            if not has_more:
                pause = every_s * 2 ** min(state.failures, 10)
                nudge.wait(every_s if not state.failures else min(pause, _LONGEST_PAUSE_S))

    def _failed(self, state: LoopState, error: Exception) -> None:
        """Told once until it changes, and with its trace if nobody expected it."""
        told = (
            f"{type(error).__name__}: {error}"
            if isinstance(error, KanheError)
            else type(error).__name__
        )
        if told != state.trouble or state.failures == 0:
            _log.error(
                "loop.failed",
                extra={"loop": state.name, "trouble": told},
                exc_info=None if isinstance(error, KanheError) else error,
            )
        state.failures += 1
        state.trouble = told
