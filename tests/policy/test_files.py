"""The files of a pack: which belong, one hash over them, and an archive that gives them back."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.judge.language.source import PolicyError, PolicyErrors
from kanhe.judge.policy.files import archive, content_hash, read_folder, unarchive

NAMES = st.sampled_from(
    [
        "pack.toml",
        "features.kanhe",
        "events.kanhe",
        "rules/a.kanhe",
        "rules/b-2.kanhe",
        "lists/x.csv",
    ]
)
FILES = st.dictionaries(NAMES, st.binary(max_size=40), min_size=1)


def write(folder: Path, name: str, content: bytes = b"x") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@given(FILES)
def test_an_archive_gives_the_same_files_back(files: dict[str, bytes]) -> None:
    """What is put into an archive comes out, and equal files give equal bytes in any order."""
    assert unarchive(archive(files)) == files
    assert archive(dict(reversed(files.items()))) == archive(files)


@given(FILES, FILES)
def test_the_hash_tells_files_apart(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    """Two sets of files have the same hash exactly when they are the same."""
    assert (content_hash(one) == content_hash(other)) == (one == other)


@given(FILES, st.data())
def test_any_changed_byte_changes_the_hash(files: dict[str, bytes], data: st.DataObject) -> None:
    """Flipping any bit of any file gives another hash."""
    name = data.draw(st.sampled_from(sorted(files)))
    content = files[name] or b"\0"
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = bytearray(content)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    assert content_hash(files | {name: bytes(flipped)}) != content_hash(files)


def test_the_hash_is_pinned() -> None:
    """The hash of given files is the same in every release: it stands in every old decision."""
    expected = "sha256:24c1b1cbcd2d092e4f34383ddc7f0677a01ccb56a0c41fb51b5400da04ea36ab"
    assert content_hash({"pack.toml": b"[pack]\n", "rules/a.kanhe": b""}) == expected


def test_a_folder_is_read_without_what_lies_beside(tmp_path: Path) -> None:
    """Read-me files, hidden files and backups are no part of the pack."""
    for name in ("pack.toml", "rules/a.kanhe", "lists/x.csv"):
        write(tmp_path, name, name.encode())
    plain = read_folder(tmp_path)
    for name in ("README.md", ".git/config", "rules/a.kanhe~", ".DS_Store", "LICENSE"):
        write(tmp_path, name)
    assert read_folder(tmp_path) == plain == {
        name: name.encode() for name in ("pack.toml", "rules/a.kanhe", "lists/x.csv")
    }  # fmt: skip


def test_every_stray_file_is_named(tmp_path: Path) -> None:
    """A misspelled file is a mistake, not silently left out; all of them are reported."""
    for name in ("pack.toml", "feature.kanhe", "rules/Card.kanhe", "rules/a/b.kanhe", "notes.txt"):
        write(tmp_path, name)
    with pytest.raises(PolicyErrors) as caught:
        read_folder(tmp_path)
    assert {error.path for error in caught.value.errors} == {
        "feature.kanhe", "rules/Card.kanhe", "rules/a", "notes.txt",
    }  # fmt: skip
    assert "did you mean features.kanhe?" in str(caught.value)


def test_a_missing_folder_is_said_clearly(tmp_path: Path) -> None:
    """A path that is no folder gives an error that says what a pack is."""
    with pytest.raises(PolicyError, match="no such folder"):
        read_folder(tmp_path / "nowhere")


def test_an_oversize_file_is_refused(tmp_path: Path) -> None:
    """A policy file beyond one mebibyte is refused by name."""
    write(tmp_path, "features.kanhe", b" " * ((1 << 20) + 1))
    with pytest.raises(PolicyErrors, match="larger than"):
        read_folder(tmp_path)


@pytest.mark.parametrize("name", ["../pack.toml", "/etc/passwd", "rules/../../x", "notes.txt"])
def test_an_archive_cannot_smuggle_names(name: str) -> None:
    """An archive with a name that no pack has is refused as a whole."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(PolicyError, match="not a file of a pack"):
        unarchive(out.getvalue())


@given(st.binary(max_size=2000))
def test_any_other_bytes_are_no_archive(data: bytes) -> None:
    """Bytes that are no archive give a clear error or an empty pack, never a crash."""
    said = ""
    try:
        files = unarchive(data)
    except PolicyError as error:
        files, said = {}, str(error)
    assert files == {}
    assert not said or "not the archive" in said


def test_a_truncated_archive_is_refused() -> None:
    """An archive cut in the middle of a file is refused."""
    whole = archive({"pack.toml": b"x" * 5000})
    with pytest.raises(PolicyError):
        unarchive(whole[:2000])
