"""Trying a proposed pack on the past: a process beside, whose result becomes a step of the pack.

Nothing that decides thousands of events shares the interpreter of the pages. The process is the
command line's own `kanhe replay --policy`, over the files of the pack as they are kept.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import msgspec

from kanhe.app.judge_link import JudgeLink
from kanhe.app.rulebook.packs import Packs
from kanhe.core.actor import Actor
from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.replay.backtest import Comparison

_log = logging.getLogger("kanhe.console")
_GIVES_WAY = 10
_MOST_KEPT = 50
_MOST_AT_ONCE = 1
_LONGEST_S = 3_600.0


class Trial(msgspec.Struct, kw_only=True):
    """One pack being tried, or tried."""

    hash: str
    by: str
    begun_ms: int
    ended_ms: int = 0
    """0 while it runs."""
    found: Comparison | None = None
    problem: str = ""


class TrialError(KanheError):
    """A trial that cannot begin: one is running already."""


class Trials:
    """The trials of one installation, one at a time; what came of the last ones is kept in memory."""

    def __init__(self, settings: Settings, packs: Packs, link: JudgeLink, clock: Clock) -> None:
        self._settings = settings
        self._packs = packs
        self._link = link
        self._clock = clock
        self._lock = threading.Lock()
        self._trials: dict[str, Trial] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False

    def of(self, hash: str) -> Trial | None:
        """The last trial of a pack since this process began."""
        with self._lock:
            found = self._trials.get(hash)
            return None if found is None else msgspec.structs.replace(found)

    def begin(self, actor: Actor, hash: str, why: str) -> None:
        """Try a pack on the whole journal, and note what came of it as a step. Raises `TrialError`."""
        pack = self._packs.pack(hash)
        if pack is None:
            raise TrialError("the pack is not kept")
        with self._lock:
            running = sum(not trial.ended_ms for trial in self._trials.values())
            if running >= _MOST_AT_ONCE or self._closing:
                raise TrialError("another pack is being tried")
            trial = Trial(hash=hash, by=actor.name, begun_ms=self._clock())
            self._trials.pop(hash, None)
            self._trials[hash] = trial
            while len(self._trials) > _MOST_KEPT:
                self._trials.pop(next(iter(self._trials)))
        files = dict(pack.files)
        threading.Thread(
            target=self._run, args=(actor, trial, files, why), name="kanhe-trial", daemon=True
        ).start()

    def close(self) -> None:
        """End the one that runs."""
        with self._lock:
            self._closing = True
            process = self._process
        if process is not None:
            process.kill()

    def _run(self, actor: Actor, trial: Trial, files: dict[str, bytes], why: str) -> None:
        """(1) The pack as a folder. (2) The process. (3) The step, durable in the journal. (4) Told."""
        found, problem = None, ""
        try:
            with tempfile.TemporaryDirectory(prefix="kanhe-trial-") as place:
                for path, content in files.items():  # (1)
                    target = Path(place, path)
                    target.parent.mkdir(exist_ok=True)
                    target.write_bytes(content)
                found = self._tried(place)  # (2)
            self._link.step(
                actor, trial.hash, "backtested", {"why": why, "facts": found.facts()}
            )  # (3)
        except (KanheError, OSError, subprocess.SubprocessError, msgspec.MsgspecError) as error:
            problem = str(error) or type(error).__name__
            _log.error("trial.failed", extra={"policy": trial.hash[:19], "trouble": problem[:200]})
        with self._lock:  # (4)
            trial.found, trial.problem, trial.ended_ms = found, problem, self._clock()
            self._process = None

    def _tried(self, folder: str) -> Comparison:
        command = [
            sys.executable, "-m", "kanhe.serve.cli", "replay", "--policy", folder, "--json",
            "--data-dir", self._settings.data_dir, "--show", "0",
        ]  # fmt: skip
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
            )
            os.setpriority(os.PRIO_PROCESS, process.pid, _GIVES_WAY)
            with self._lock:
                self._process = process
            too_long = threading.Timer(_LONGEST_S, process.kill)
            too_long.start()
            try:
                last = b""
                assert process.stdout
                # Every event that would be decided otherwise is a line: only the sum of them is kept.
                with process.stdout as lines:
                    for line in lines:
                        last = line
                code = process.wait()
            finally:
                too_long.cancel()
            if code != 0:
                errors.seek(0)
                said = errors.read().decode("utf-8", errors="replace").strip().splitlines()
                raise TrialError(said[-1][:300] if said else f"it ended with {code}")
        return msgspec.json.decode(last, type=Comparison)
