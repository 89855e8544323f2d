"""Processes of the same package beside the server: one that makes a pack's memory ready, one that
judges in shadow. Nothing that runs Python shares the interpreter of the process that judges."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time

from kanhe.core.settings import Settings
from kanhe.serve.cli.sequencing import environment_of

_log = logging.getLogger("kanhe.serve")
_PAUSE_S = 30.0
"""How long after a process ended by itself it is started again."""


class BesideServer:
    """Starts and ends these processes. Implements `kanhe.app.changeover.Helper`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._warming: subprocess.Popen[bytes] | None = None
        self._following: subprocess.Popen[bytes] | None = None
        self._shadowed = ""
        self._again_at = 0.0

    def start(self, policy: str) -> None:
        """Have the memory of this pack made ready."""
        self.stop()
        self._warming = self._run("warm", policy)

    def busy(self) -> bool:
        """Whether it is still being made."""
        return self._warming is not None and self._warming.poll() is None

    def stop(self) -> None:
        """End the making."""
        _end(self._warming)
        self._warming = None

    def shadow(self, policy: str) -> None:
        """Keep the process running in which this pack judges in shadow; none if it is empty."""
        if policy != self._shadowed:
            _end(self._following)
            self._following = None
            self._shadowed, self._again_at = policy, 0.0
        if self._following is not None and self._following.poll() is not None:
            _log.error("shadow.ended", extra={"code": self._following.returncode, "policy": policy})
            _end(self._following)
            self._following = None
            self._again_at = time.monotonic() + _PAUSE_S
        if policy and self._following is None and time.monotonic() >= self._again_at:
            self._following = self._run("follow", policy)

    def close(self) -> None:
        """End all of them."""
        self.stop()
        _end(self._following)
        self._following = None

    def _run(self, command: str, policy: str) -> subprocess.Popen[bytes] | None:
        words = [sys.executable, "-m", "kanhe.serve.cli", "policy", command, policy]
        try:
            return subprocess.Popen(
                [*words, "--beside-parent"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env=os.environ | environment_of(self._settings),
            )
        except OSError as error:
            # No room for another process now, perhaps: the next tick tries again.
            _log.error("beside.not_started", extra={"command": command, "cause": str(error)})
            return None


def _end(process: subprocess.Popen[bytes] | None) -> None:
    """End a process at once: whatever it does survives that, and nobody who judges may wait for it."""
    if process is None:
        return
    process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
