"""Where the desk of an installation lies."""

from __future__ import annotations

from kanhe.app.opening import data_folder
from kanhe.core.settings import Settings
from kanhe.stores.desk.database import Desk

DESK_FILE = "desk.db"


def open_desk(settings: Settings) -> Desk:
    """The desk in `settings.data_dir`, both made if they are new; also while a console runs on it.

    Raises `StorageError` if the folder or the file cannot be used.
    """
    return Desk(data_folder(settings) / DESK_FILE)
