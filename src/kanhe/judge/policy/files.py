"""The files of a pack as bytes: which belong to it, their one hash, and an archive of them.

A pack is read once into memory and everything else is made from those bytes, so that a file which
changes under the reader's hands cannot give a pack that never stood on disk.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from kanhe.judge.language.source import MAX_FILE_BYTES, Mistakes, PolicyError, suggestion
from kanhe.judge.models.portable import MAX_MODEL_BYTES

MANIFEST = "pack.toml"
EVENTS = "events.kanhe"
FEATURES = "features.kanhe"
MAX_FILES = 200
"""How many files a pack may hold."""
MAX_LIST_BYTES = 32 << 20
"""The largest list file; models end at `MAX_MODEL_BYTES`, other files at `MAX_FILE_BYTES`."""
MAX_ARCHIVE_BYTES = 256 << 20
"""The largest archive that is read back."""

_PART = re.compile(
    r"pack\.toml|events\.kanhe|features\.kanhe"
    r"|rules/[a-z0-9][a-z0-9_-]{0,63}\.kanhe|lists/[a-z0-9][a-z0-9_-]{0,63}\.csv"
    r"|models/[a-z0-9][a-z0-9_-]{0,63}\.json"
)
_BESIDE = re.compile(r"(.*/)?(\..*|__pycache__|.*~|[^/]*\.md|LICENSE)")
_MOST_BYTES = {"lists": MAX_LIST_BYTES, "models": MAX_MODEL_BYTES}
_HASH_PREFIX = b"kanhe policy pack 1\n"

Files = Mapping[str, bytes]
"""The files of one pack, by their path inside it (with `/`, whatever the system)."""


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read every file of the pack in a folder.

    Hidden files, editors' backups, `*.md` and `LICENSE` may lie beside and are no part of the pack.
    Anything else that is not a file of a pack is a mistake rather than silently left out. Raises
    `PolicyErrors` with all of them.
    """
    mistakes = Mistakes()
    files: dict[str, bytes] = {}
    if not folder.is_dir():
        raise PolicyError(
            str(folder), 1, 1, "there is no such folder", f"a pack is a folder with a {MANIFEST}"
        )
    found = {path.relative_to(folder).as_posix(): path for path in sorted(_paths(folder))}
    if not any(_PART.fullmatch(name) for name in found):
        # Said alone, because somebody else's folder is full of files that are no part of a pack.
        raise PolicyError(
            str(folder), 1, 1, f"there is no {MANIFEST} in this folder, so it is no policy pack",
            "`kanhe policy path` names the folder of the starter pack, for copying",
        )  # fmt: skip
    for name, path in found.items():
        with mistakes.gathered():
            _check_name(name)
            files[name] = _content(path, name)
    if len(files) > MAX_FILES:
        mistakes.found.append(
            PolicyError(str(folder), 1, 1, f"{len(files)} files; a pack holds at most {MAX_FILES}")
        )
    mistakes.raise_any()
    return files


def content_hash(files: Files) -> str:
    """`sha256:` and 64 hex digits, over path, length and bytes of each file in the order of paths."""
    digest = hashlib.sha256(_HASH_PREFIX)
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    return f"sha256:{digest.hexdigest()}"


def archive(files: Files) -> bytes:
    """All files in one tar (POSIX ustar) without owner, time or mode: equal files, equal bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            tar.addfile(entry, io.BytesIO(files[name]))
    return out.getvalue()


def unarchive(data: bytes) -> dict[str, bytes]:
    """The files of an archive made by `archive`; raises `PolicyError` for anything else."""
    files: dict[str, bytes] = {}
    if len(data) > MAX_ARCHIVE_BYTES:
        raise _broken(f"it is larger than {MAX_ARCHIVE_BYTES} bytes")
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for entry in tar:
                content = tar.extractfile(entry) if entry.isreg() else None
                if content is None or not _PART.fullmatch(entry.name) or entry.name in files:
                    raise _broken(f"{entry.name[:100]!r} is not a file of a pack")
                files[entry.name] = content.read()
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _broken(str(error)) from None
    return files


def _paths(folder: Path) -> list[Path]:
    """All files below the folder, without what may lie beside a pack; links are followed."""
    found: list[Path] = []
    for path in folder.iterdir():
        if _BESIDE.fullmatch(path.name):
            continue
        if path.is_dir():
            found += [p for p in path.iterdir() if not _BESIDE.fullmatch(p.name)]
        else:
            found.append(path)
    return found


def _check_name(name: str) -> None:
    if not _PART.fullmatch(name):
        known = (MANIFEST, EVENTS, FEATURES, "rules", "lists", "models")
        hint = suggestion(name, known) or (
            f"a pack holds {MANIFEST}, {FEATURES}, {EVENTS}, rules/<name>.kanhe, lists/<name>.csv"
            " and models/<name>.json"
        )
        raise PolicyError(name, 1, 1, "this is not a file of a policy pack", hint)


def _content(path: Path, name: str) -> bytes:
    most = _MOST_BYTES.get(name.partition("/")[0], MAX_FILE_BYTES)
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise PolicyError(name, 1, 1, f"cannot be read: {error.strerror}") from None
    if len(content) > most:
        raise PolicyError(name, 1, 1, f"the file is larger than {most} bytes", "split it")
    return content


def _broken(why: str) -> PolicyError:
    return PolicyError("archive", 1, 1, f"this is not the archive of a policy pack: {why}")
