"""What runs beside the server: processes of their own, started, watched, and ended with it.

Nothing that runs Python shares the interpreter of the process that judges. One that ends by itself
is started again, later each time; the journal has everything meanwhile, so that the log loses
nothing, and neither does whoever counts.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from kanhe.core.settings import SETTINGS, Settings

_log = logging.getLogger("kanhe.serve")
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_STEADY_S = 30.0
"""Whoever ran for so long did not fail at the start."""
_STOP_S = 10.0


class ProcessBeside:
    """Starts a command of `kanhe` under the same settings and keeps it running until `close`."""

    def __init__(self, settings: Settings, name: str, *command: str) -> None:
        self._settings = settings
        self._name = name
        self._command = command
        self._closing = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        # The thread sleeps in the system, without the interpreter's lock, while the child runs.
        self._thread = threading.Thread(target=self._watch, name=f"kanhe-{name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it: the end of its standard input tells it to finish what it is writing."""
        self._closing.set()
        child = self._child
        if child is not None and child.stdin is not None:
            child.stdin.close()
            try:
                child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
        self._thread.join(_STOP_S)

    def _watch(self) -> None:
        pause = _FIRST_PAUSE_S
        while not self._closing.is_set():
            begun = time.monotonic()
            try:
                self._child = _start(self._settings, self._command)
                if self._closing.is_set():
                    self.close_child()
                code = self._child.wait()
            except OSError as error:
                # No room for another process now, perhaps: the log waits, and nothing else does.
                code = error.errno or 1
            if self._closing.is_set():
                return
            pause = _FIRST_PAUSE_S if time.monotonic() - begun > _STEADY_S else pause
            _log.error(f"{self._name}.ended", extra={"code": code, "again_in_s": pause})
            self._closing.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def close_child(self) -> None:
        """Tell a child that was started just when the server ended."""
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()


def _start(settings: Settings, command: Sequence[str]) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "kanhe.serve.cli", *command, "--beside-parent"]
    return subprocess.Popen(words, stdin=subprocess.PIPE, env=os.environ | environment_of(settings))


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings in force, as variables: options of the command line are among them."""
    found = {}
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        found[setting.env] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def until_stopped(beside_parent: bool, gives_way: int) -> threading.Event:
    """For such a process itself: an event that is set when it is told to stop.

    With `beside_parent` it stands `gives_way` steps of niceness behind its parent, and the end of
    standard input means that the parent has gone, however it went. Call it from the main thread.
    """
    stop = threading.Event()

    def ended(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ended)
    if beside_parent:
        stopped_with_parent(stop, gives_way)
    return stop


def stopped_with_parent(stop: threading.Event, gives_way: int) -> None:
    """Set `stop` when standard input ends, which says that the parent has gone; give way to it."""

    def wait_for_end() -> None:
        sys.stdin.buffer.read()
        stop.set()

    _give_way(gives_way)
    threading.Thread(target=wait_for_end, daemon=True).start()


def _give_way(steps: int) -> None:
    """Where this process and its parent share a processor, whoever waits for a decision comes first."""
    os.nice(steps)
    if hasattr(os, "SCHED_BATCH"):
        # Waking up, for rows that just came, never interrupts whoever has the processor then. A
        # sandbox may forbid it; it is the smaller part.
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
