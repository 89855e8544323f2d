"""`kanhe serve`, and what commands share: settings, the clock, opening the installation."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import kanhe
from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings, load_settings
from kanhe.serve.cli.terminal import tell
from kanhe.serve.cli.wording import words

if TYPE_CHECKING:
    from kanhe.app import Kanhe

_CONSOLE_GIVES_WAY = 5
"""Steps of niceness behind whoever judges, where both share a processor."""


def settings_from(**options: Any) -> Settings:
    """The settings from options (`None`: not given), environment and `kanhe.toml`."""
    return load_settings(options, os.environ)


def now_ms() -> int:
    """The time of this machine's clock in milliseconds."""
    return time.time_ns() // 1_000_000


def opened(settings: Settings) -> Kanhe:
    """The installation in the data folder; tells its progress if memory has to be rebuilt."""

    # What judges is loaded by the commands that judge.
    from kanhe.app import open_kanhe

    def progress(done: int, total: int) -> None:
        if done % 100_000 == 0:
            tell(words("rebuild.progress", done=done, total=total))

    return open_kanhe(settings, now_ms, progress)


def serve(settings: Settings, *more: Sequence[str]) -> None:
    """Serve until told to stop, with what `more` commands do running beside. Refuses to start where
    nobody could get in."""
    from kanhe.app import OpenDoor, has_baseline, open_keys, open_receivers
    from kanhe.app.stepping_up.opening import StepUps
    from kanhe.serve.api.openapi import describe_openapi
    from kanhe.serve.api.server import run_server
    from kanhe.serve.cli.beside import BesideServer
    from kanhe.serve.cli.sequencing import ProcessBeside
    from kanhe.serve.listening import bind
    from kanhe.serve.logs import start_logging

    start_logging(settings.log_level, settings.log_format)
    keys = open_keys(settings, now_ms) if settings.require_keys else None
    if keys is not None and not any(key.valid_at(now_ms()) for key in keys.list()):
        keys.close()
        raise SettingsError(words("serve.no_keys"))
    mode = words("serve.open" if keys is None else "serve.with_keys")
    # Said before anything is made ready, which can take a while; the port is taken for good below.
    bind(settings.host, settings.port).close()
    tell(words("serve.preparing"))

    def listening(url: str) -> None:
        door.told(url)
        tell(words("serve.listening", version=kanhe.__version__, url=url, keys=mode))

    described: dict[str, bytes] = {}

    def description() -> bytes:
        """Another pack may know other events."""
        pack = engine.pack
        if pack.hash not in described:
            described.clear()
            described[pack.hash] = describe_openapi(pack.registry)
        return described[pack.hash]

    door = OpenDoor(settings)
    step_ups = StepUps(settings, now_ms)
    with opened(settings) as engine:
        helper = BesideServer(settings)
        engine.help_with(helper)
        beside = []
        if settings.log_sequencer:
            beside.append(ProcessBeside(settings, "sequencer", "ledger", "run"))
        if settings.drift_every_ms and (has_baseline(settings) or engine.pack.models):
            beside.append(ProcessBeside(settings, "drift", "drift", "--watch"))
        if settings.console:
            beside.append(ProcessBeside(settings, "index", "index", "--watch"))
            beside.append(ProcessBeside(settings, "console", "console"))
        beside += [ProcessBeside(settings, command[0], *command) for command in more]
        try:
            hooks = open_receivers(settings, engine.pack.registry, now_ms)
            try:
                run_server(
                    engine, keys, settings, description, listening, door.door, step_ups, hooks
                )
            finally:
                hooks.close()
        finally:
            door.close()
            step_ups.close()
            helper.close()
            for process in beside:
                process.close()
    if keys is not None:
        keys.close()
    tell(words("serve.stopped"))


def serve_console(settings: Settings, beside_parent: bool) -> None:
    """Serve the console until told to stop; beside a server, until that has gone."""
    import threading

    from kanhe.serve.cli.sequencing import stopped_with_parent
    from kanhe.serve.console.server import run_console
    from kanhe.serve.logs import start_logging

    start_logging(settings.log_level, settings.log_format)
    stop = threading.Event()
    if beside_parent:
        stopped_with_parent(stop, _CONSOLE_GIVES_WAY)

    def listening(url: str) -> None:
        tell(words("console.listening", url=url))

    run_console(settings, now_ms, listening, stop)
    tell(words("console.stopped"))
