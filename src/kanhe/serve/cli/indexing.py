"""`kanhe index`: everything about one card, or one minute, found without reading the whole journal."""

from __future__ import annotations

import gc
import logging
import threading
from pathlib import Path

from kanhe.app.indexing import Indexing
from kanhe.app.ledger import JOURNAL_FILE
from kanhe.core.errors import KanheError, StorageError
from kanhe.core.settings import Settings
from kanhe.serve.cli.sequencing import until_stopped
from kanhe.serve.cli.terminal import OK, print_json, rows_bar, say
from kanhe.serve.cli.wording import words

_log = logging.getLogger("kanhe.index")
_GIVES_WAY = 5
"""By how much the process beside a server is nicer than it."""
_EVERY_S = 0.4
"""How often it looks for new rows: what people watch live is older than that by little."""
_AFTER_TROUBLE_S = 5.0


def index(settings: Settings, *, rebuild: bool, as_json: bool) -> int:
    """Bring the index up to date, once. Raises `StorageError` while another process writes it."""
    _journal_of(settings)
    keeping = Indexing(settings, anew=rebuild)
    try:
        with rows_bar(words("index.progress")) as progress:
            keeping.run(progress, lambda: False)
        if as_json:
            print_json({"upto": keeping.upto, "behind": keeping.behind()})
        else:
            say(words("index.done", rows=f"{keeping.upto:,}"))
    finally:
        keeping.close()
    return OK


def _journal_of(settings: Settings) -> Path:
    path = Path(settings.data_dir) / JOURNAL_FILE
    if not path.exists():
        raise KanheError(words("index.no_journal", folder=settings.data_dir))
    return path


def watch(settings: Settings, *, beside_parent: bool) -> int:
    """Keep the index up to date until told to stop; goes on after a fault."""
    from kanhe.serve.logs import start_logging

    start_logging(settings.log_level, settings.log_format)
    stop = until_stopped(beside_parent, _GIVES_WAY)
    trouble = ""
    while not stop.is_set():
        try:
            _keep(settings, stop)
            trouble = ""
        except StorageError as error:
            if str(error) != trouble:
                _log.error("index.cannot_go_on", extra={"cause": str(error)})
            trouble = str(error)
            stop.wait(_AFTER_TROUBLE_S)
    return OK


def _keep(settings: Settings, stop: threading.Event) -> None:
    """Step until told to stop. Raises `StorageError`."""
    # The names at hand are many, live long and hold no cycles: going through them at every turn took a
    # quarter of the time.
    gc.set_threshold(200_000, 50, 100)
    while not (Path(settings.data_dir) / JOURNAL_FILE).exists():
        if stop.wait(_EVERY_S):
            return
    keeping = Indexing(settings)
    try:
        while not stop.is_set():
            keeping.run(lambda done, total: None, stop.is_set)
            stop.wait(_EVERY_S)
    finally:
        keeping.close()
