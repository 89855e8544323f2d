"""Training sets: of an installation's past, or of files of events, and the file they go into."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from kanhe.app.file_journal import history_of_files
from kanhe.app.opening import open_history
from kanhe.app.reading import EventFile, FileAccount
from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.learn.dataset import COLUMNS, DatasetFacts, Wanted, build
from kanhe.replay.history import History, Progress
from kanhe.stores.files.sheets import ParquetSheet


def build_dataset(
    settings: Settings, wanted: Wanted, out: Path, progress: Progress
) -> DatasetFacts:
    """Write a training set of the installation's journal to `out`, beside a running server.

    Raises `KanheError` if nothing was ever judged there, and as `learn.dataset.build`.
    """
    with open_history(settings) as history:
        if history is None:
            raise KanheError(f"there is no journal in {settings.data_dir}; see --data-dir")
        return _build(history, wanted, out, progress)


def build_dataset_of_files(
    settings: Settings, files: Sequence[EventFile], wanted: Wanted, out: Path, progress: Progress
) -> tuple[DatasetFacts, FileAccount]:
    """Write a training set of files of events to `out`; also tells what became of their lines.

    `wanted` must name the pack. Raises as `learn.dataset.build`, and `ReadingError` for files that
    cannot be read.
    """
    if wanted.pack is None:
        raise KanheError("files of events were judged by no pack: name one with --policy")
    tenant = wanted.tenant or "default"
    history, journal = history_of_files(files, wanted.pack, settings, tenant)
    facts = _build(history, wanted._replace(tenant=tenant), out, progress)
    return facts, journal.account


def _build(history: History, wanted: Wanted, out: Path, progress: Progress) -> DatasetFacts:
    with ExitStack() as stack:
        return build(
            history,
            wanted,
            lambda features: stack.enter_context(ParquetSheet(out, COLUMNS, features)),
            progress,
        )
