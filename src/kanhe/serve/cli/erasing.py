"""`kanhe erase`: search the journal for somebody, and have what speaks of them destroyed."""

from __future__ import annotations

import getpass
import secrets
import time

from kanhe.app import (
    FolderInUse,
    ask_to_erase,
    erasure_is_open,
    find_person,
    forget_buyer,
    open_kanhe,
)
from kanhe.core.errors import KanheError, StorageError
from kanhe.core.settings import Settings
from kanhe.record.erasure import Erasure
from kanhe.serve.cli.serving import now_ms
from kanhe.serve.cli.terminal import OK, REFUSED, print_json, progress_bar, say, tell
from kanhe.serve.cli.wording import words

_WAIT_S = 120.0
_LOOK_S = 0.25


def erase(
    settings: Settings,
    names: list[str],
    tenant: str,
    reason: str,
    by: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Erase somebody, beside a running server or without one. Returns 1 if nothing speaks of them."""
    erasure = Erasure(
        id=secrets.token_hex(8),
        tenant=tenant,
        names=tuple(map(_name, names)),
        reason=reason,
        by=by or getpass.getuser(),
        at_ms=now_ms(),
    )
    erasure.check()
    with progress_bar() as bar:
        task = bar.add_task(words("erase.searching"), total=None)
        found = find_person(
            settings, erasure, lambda done, rows: bar.update(task, completed=done, total=rows)
        )
    if dry_run:
        _tell(erasure, len(found.rows), "none" if not found.rows else "would", as_json)
        return OK if found.rows else REFUSED
    # What they confirm payments with goes at once; the journal's rows name them still if this breaks off.
    kept = forget_buyer(settings, found, now_ms)
    if not found.rows:
        _tell(erasure, 0, "erased" if kept else "none", as_json)
        return OK if kept else REFUSED
    ask_to_erase(settings, found)
    end = time.monotonic() + _WAIT_S
    # A server takes requests up within a second; without one, this process carries them out.
    while not _done_here(settings) and erasure_is_open(settings, found.id):
        if time.monotonic() > end:
            raise StorageError(words("erase.queued", id=found.id))
        time.sleep(_LOOK_S)
    _tell(erasure, len(found.rows), "erased", as_json)
    return OK


def _name(text: str) -> tuple[str, str]:
    kind, separator, id = text.partition("=")
    if not separator:
        raise KanheError(words("erase.how", got=text))
    return kind, id


def _done_here(settings: Settings) -> bool:
    """Carry it out in this process; False if another one holds the data folder."""
    try:
        with open_kanhe(settings, now_ms) as kanhe:
            kanhe.finish_upkeep()
    except FolderInUse:
        return False
    return True


def _tell(erasure: Erasure, rows: int, what: str, as_json: bool) -> None:
    if as_json:
        print_json({"request": erasure.id, "rows": rows, "erased": what == "erased"})
    elif what == "none":
        tell(words("erase.none"))
    else:
        say(words(f"erase.{what}", rows=rows, id=erasure.id))
