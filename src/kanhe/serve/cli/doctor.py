"""`kanhe doctor`: is this machine, and is the data folder, fit for the work? With what to do if not."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from kanhe.app import (
    Ledger,
    kanhe_in_memory,
    last_row,
    look_over_journal,
    open_keys,
    open_receivers,
)
from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import load_pack
from kanhe.serve.cli.packs import folder_of
from kanhe.serve.cli.serving import now_ms
from kanhe.serve.cli.terminal import OK, REFUSED, print_json, print_table
from kanhe.serve.cli.wording import words

State = Literal["fine", "look", "bad"]

_GIB = 1 << 30
_SYNCS = 20
_SLOW_SYNC_MS = 10.0
_SLOW_KERNEL_S = 10.0
_FEW_FILES = 4_096
_FOLD_S = 2.0
"""In so long a sequencer that runs has folded what there was."""
_KANHE_BEGAN_MS = 1_735_689_600_000
"""2025-01-01: a clock before it is wrong."""
_PROBE = (
    b'{"id":"probe","type":"account.login","at_ms":1767225600000,"user":"u1","device":"d1",'
    b'"ip":"203.0.113.7"}'
)


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    state: State
    found: str
    do: str = ""
    """What to do, empty where nothing has to be done."""


def examine(settings: Settings, as_json: bool) -> int:
    """Look at everything and report; returns 1 if something is wrong."""
    checks = [check(settings) for check in _CHECKS]
    if as_json:
        print_json(checks)
    else:
        columns = [words(f"col.{c}") for c in ("check", "state", "found", "do")]
        rows = [
            (words(f"check.{c.name}"), words(f"doctor.{c.state}"), c.found, c.do) for c in checks
        ]
        print_table(columns, rows, title=words("doctor.title"))
    return REFUSED if any(check.state == "bad" for check in checks) else OK


def _check(name: str, state: State, found: str, do: str = "", **values: object) -> Check:
    return Check(name, state, found, "" if state == "fine" else words(f"do.{do or name}", **values))


def _python(settings: Settings) -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return _check("python", "fine" if sys.version_info >= (3, 11) else "bad", found)


def _policy(settings: Settings) -> Check:
    try:
        pack = load_pack(folder_of(settings, None))
    except KanheError as error:
        first = str(error).splitlines()[0]
        return _check("policy", "bad", first, folder=folder_of(settings, None))
    found = words("found.policy", name=pack.name, version=pack.version, rules=len(pack.rules))
    return _check("policy", "fine", found)


def _kernel(settings: Settings) -> Check:
    """Whether an event can really be judged here, and how long the first one takes."""
    begun = time.perf_counter()
    try:
        with kanhe_in_memory(settings, now_ms) as engine:
            engine.judge("doctor", _PROBE)
    except KanheError as error:
        return _check("kernel", "bad", str(error).splitlines()[0])
    seconds = time.perf_counter() - begun
    found = words("found.compiled", seconds=seconds)
    return _check("kernel", "fine" if seconds < _SLOW_KERNEL_S else "look", found)


def _folder(settings: Settings) -> Check:
    folder = Path(settings.data_dir)
    if not folder.exists():
        state: State = "fine" if os.access(_existing(folder), os.W_OK | os.X_OK) else "bad"
        return _check("folder", state, words("found.absent", path=folder))
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return _check("folder", "bad", str(folder))
    holder = _holder(folder / "kanhe.lock")
    if holder:
        return _check("folder", "look", words("found.in_use", path=folder, pid=holder), "in_use")
    return _check("folder", "fine", words("found.writable", path=folder))


def _holder(lock: Path) -> str:
    """The process that holds the folder, empty if none does."""
    try:
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return file.read(20).decode("ascii", "replace").strip() or "?"
    except OSError:
        return ""
    return ""


def _disk(settings: Settings) -> Check:
    free = shutil.disk_usage(_existing(Path(settings.data_dir))).free
    state: State = "bad" if free < _GIB else "look" if free < 5 * _GIB else "fine"
    return _check("disk", state, words("found.space", gib=free / _GIB))


def _sync(settings: Settings) -> Check:
    """How long one durable write takes where the journal is: every group of answers waits for one."""
    times = []
    try:
        with tempfile.TemporaryFile(dir=_existing(Path(settings.data_dir))) as file:
            for _ in range(_SYNCS):
                file.write(bytes(4_096))
                file.flush()
                begun = time.perf_counter()
                os.fdatasync(file.fileno())
                times.append((time.perf_counter() - begun) * 1000)
    except OSError as error:
        return _check("sync", "bad", error.strerror or str(error), "folder")
    ms = statistics.median(times)
    return _check("sync", "fine" if ms < _SLOW_SYNC_MS else "look", words("found.sync", ms=ms))


def _journal(settings: Settings) -> Check:
    try:
        found = look_over_journal(settings)
    except KanheError as error:
        return _check("journal", "bad", str(error))
    if found is None:
        return _check("journal", "fine", words("found.no_journal"))
    return _check("journal", "fine", words("found.journal", rows=found.rows))


def _clock(settings: Settings) -> Check:
    now = now_ms()
    shown = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    try:
        journal = look_over_journal(settings)
    except KanheError:
        journal = None
    if journal is not None and journal.last_received_ms > now:
        return _check("clock", "look", words("found.clock_back", now=shown))
    state: State = "fine" if now > _KANHE_BEGAN_MS else "bad"
    return _check("clock", state, words("found.clock", now=shown))


def _files(settings: Settings) -> Check:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    few = limit != resource.RLIM_INFINITY and limit < min(_FEW_FILES, settings.max_connections)
    return _check("files", "look" if few else "fine", words("found.files", limit=limit))


def _port(settings: Settings) -> Check:
    place = {"host": settings.host, "port": str(settings.port)}
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.create_server((settings.host, settings.port), family=family):
            return _check("port", "fine", words("found.port", **place))
    except OSError:
        return _check("port", "look", words("found.port_taken", **place))


def _keys(settings: Settings) -> Check:
    if not settings.require_keys:
        return _check("keys", "fine", words("serve.open"))
    count = 0
    if (Path(settings.data_dir) / "keys.db").exists():
        try:
            keys = open_keys(settings, now_ms)
        except KanheError as error:
            return _check("keys", "bad", str(error), "journal")
        count = sum(key.valid_at(now_ms()) for key in keys.list())
        keys.close()
    return _check("keys", "fine" if count else "look", words("found.keys", count=count))


def _hooks(settings: Settings) -> Check:
    """Whether a server could receive: every source opens, and its mapping is there without mistakes."""
    if not (Path(settings.data_dir) / "keys.db").exists() and not settings.hooks_dir:
        return _check("hooks", "fine", words("found.hooks", count=0))
    try:
        registry = load_pack(folder_of(settings, None)).registry
        receivers = open_receivers(settings, registry, now_ms)
    except KanheError as error:
        return _check("hooks", "bad", str(error))
    count = receivers.count()
    receivers.close()
    return _check("hooks", "fine", words("found.hooks", count=count))


def _log_keys(settings: Settings) -> Check:
    """Whether the keys that sign the log can be read, and by their owner only."""
    try:
        ledger = Ledger(settings)
        keys = ledger.keys.public()
        if keys:
            ledger.entries  # noqa: B018 - reads the key for pseudonyms, which is kept beside them
    except KanheError as error:
        return _check("log_keys", "bad", str(error))
    count = sum(not key.retired for key in keys)
    return _check("log_keys", "fine", words("found.log_keys", count=count))


def _log(settings: Settings) -> Check:
    """Whether the sequencer keeps up with the journal; one that runs is given the time for a fold."""
    try:
        ledger = Ledger(settings)
        last = last_row(settings)
        end = time.monotonic() + _FOLD_S
        while (size := ledger.state()[0]) < last and time.monotonic() < end:
            time.sleep(_FOLD_S / 10)
    except KanheError as error:
        return _check("log", "bad", str(error))
    found = words("found.log", size=size, waiting=max(0, last - size))
    return _check("log", "fine" if size >= last else "look", found)


def _witnesses(settings: Settings) -> Check:
    """Whether as many witnesses have cosigned as are required."""
    try:
        ledger = Ledger(settings)
    except KanheError as error:
        return _check("witnesses", "bad", str(error), "witness_list")
    size, cosigned = ledger.state()
    required = settings.log_cosignatures
    found = words("found.witnesses", cosigned=cosigned, required=required)
    return _check("witnesses", "fine" if cosigned >= required or not size else "look", found)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    folder = folder.absolute()
    while not folder.is_dir():
        folder = folder.parent
    return folder


_CHECKS: tuple[Callable[[Settings], Check], ...] = (
    _python, _policy, _kernel, _folder, _disk, _sync, _journal, _clock, _files, _port, _keys, _hooks,
    _log_keys, _log, _witnesses,
)  # fmt: skip
