"""Training sets of an installation: its past, and the file they go into."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from kanhe.app.opening import open_history
from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.learn.dataset import COLUMNS, DatasetFacts, Wanted, build
from kanhe.replay.history import Progress
from kanhe.stores.files.sheets import ParquetSheet


def build_dataset(
    settings: Settings, wanted: Wanted, out: Path, progress: Progress
) -> DatasetFacts:
    """Write a training set of the installation's journal to `out`, beside a running server.

    Raises `KanheError` if nothing was ever judged there, and as `learn.dataset.build`.
    """
    with open_history(settings) as history, ExitStack() as stack:
        if history is None:
            raise KanheError(f"there is no journal in {settings.data_dir}; see --data-dir")
        return build(
            history,
            wanted,
            lambda features: stack.enter_context(ParquetSheet(out, COLUMNS, features)),
            progress,
        )
