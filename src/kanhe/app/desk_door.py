"""The judging process's side of its link with the console: a secret for this run, and where it stands."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from kanhe.core.settings import Settings
from kanhe.protect.desk_pass import SECRET_BYTES, DeskDoor, new_secret
from kanhe.stores.files.desk_link import DeskLink, remove_link, write_link

_ANY = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
"""Where to knock, if it listens on all addresses."""


class OpenDoor:
    """A door with a secret that nobody had before this run; `told` once it is known where it stands."""

    def __init__(self, settings: Settings) -> None:
        self._folder = Path(settings.data_dir)
        self._secret = new_secret(secrets.token_bytes(SECRET_BYTES))
        self.door = DeskDoor(self._secret)

    def told(self, url: str) -> None:
        """Leave the console word of where to knock. Raises `StorageError`."""
        parts = urlsplit(url)
        host = _ANY.get(parts.hostname or "")
        url = f"{parts.scheme}://{host}:{parts.port}" if host else url
        write_link(self._folder, DeskLink(url, self._secret))

    def close(self) -> None:
        """Nobody judges any more."""
        remove_link(self._folder)
