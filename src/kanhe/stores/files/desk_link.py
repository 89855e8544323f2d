"""Where the console finds the process that judges: one small file, of the installation's owner alone.

It is written at each start of the judging process and says where that one listens and with which
secret it may be spoken to (`kanhe.protect.desk_pass`). The secret before it opens nothing any more,
so that whoever read an old copy has nothing.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from kanhe.core.errors import StorageError
from kanhe.stores.files.durable import SECRET_MODE, replace_file
from kanhe.stores.files.key_files import read_secret

LINK_FILE = "desk-link.json"


class DeskLink(msgspec.Struct, frozen=True):
    """How to reach the judging process."""

    url: str
    secret: str


def write_link(folder: Path, link: DeskLink) -> None:
    """Keep the link; raises `StorageError`."""
    try:
        replace_file(folder / LINK_FILE, msgspec.json.encode(link) + b"\n", SECRET_MODE)
    except OSError as error:
        raise StorageError(f"cannot write {folder / LINK_FILE}: {error.strerror}") from error


def read_link(folder: Path) -> DeskLink | None:
    """The link of the process that judges or judged last; `None` before there was one.

    Raises `StorageError` if it cannot be read, or others than its owner could read it.
    """
    path = folder / LINK_FILE
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(read_secret(path), type=DeskLink)
    except msgspec.DecodeError as error:
        raise StorageError(
            f"{path} is damaged: restart `kanhe serve`, which writes it anew"
        ) from error


def remove_link(folder: Path) -> None:
    """Take the link away when nobody judges any more; one that stays opens nothing."""
    with suppress(OSError):
        (folder / LINK_FILE).unlink(missing_ok=True)
