"""Keys in files: who may read them, what is never overwritten, and how one follows another."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.record.log.errors import FormatError
from kanhe.record.log.note import NoteSigner
from kanhe.stores.files import durable
from kanhe.stores.files.key_files import (
    LogKeys,
    create_secret,
    create_signer,
    read_note_signer,
    read_secret,
    read_witness_signer,
)
from tests.log.trees import LOG, WITNESSES
from tests.stores.faulty_os import FaultyOs, standing_in


def test_keys_are_written_and_read(tmp_path: Path) -> None:
    """A key comes back the same, from a file that only its owner can read, with nothing beside it."""
    create_signer(tmp_path / "log.key", LOG)
    create_signer(tmp_path / "witness.key", WITNESSES[0])
    assert read_note_signer(tmp_path / "log.key").secret_text() == LOG.secret_text()
    assert str(read_witness_signer(tmp_path / "witness.key").key) == str(WITNESSES[0].key)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "log.key": 0o600, "witness.key": 0o600,
    }  # fmt: skip


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Making a key where something stands is refused and leaves it alone."""
    create_secret(tmp_path / "key", b"first")
    with pytest.raises(StorageError, match="never overwritten"):
        create_secret(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["key"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    """The refusal says how to put it right, and quotes nothing of the key."""
    create_signer(tmp_path / "log.key", LOG)
    (tmp_path / "log.key").chmod(mode)
    with pytest.raises(StorageError, match=r"chmod 600 .*log\.key") as caught:
        read_note_signer(tmp_path / "log.key")
    assert LOG.secret_text()[-20:] not in str(caught.value)


def test_no_error_quotes_a_secret(tmp_path: Path) -> None:
    """A damaged key, and one of another kind, are told without their text."""
    secret = LOG.secret_text()
    for number, spoilt in enumerate((secret[:-3], secret[1:], secret + "x", secret * 2, "\xff")):
        path = tmp_path / str(number)
        create_secret(path, spoilt.encode("latin-1"))
        with pytest.raises(StorageError) as caught:
            read_note_signer(path)
        assert secret[-40:-4] not in f"{caught.value!r} {caught.value.__cause__!r}"
    create_signer(tmp_path / "witness.key", WITNESSES[0])
    with pytest.raises(StorageError, match=r"witness\.key holds no key of its kind"):
        read_note_signer(tmp_path / "witness.key")
    create_signer(tmp_path / "log.key", LOG)
    with pytest.raises(StorageError, match=r"log\.key holds no key of its kind"):
        read_witness_signer(tmp_path / "log.key")
    with pytest.raises(StorageError, match="cannot read the key"):
        read_secret(tmp_path / "absent")


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_key_is_whole_or_not_there(tmp_path: Path, late: bool) -> None:
    """Whichever step of writing fails, what stands at the path is the whole key or nothing."""
    number = 0
    while True:
        path = tmp_path / f"{number}.key"
        faulty = FaultyOs(number, late)
        with standing_in(faulty, durable), contextlib.suppress(StorageError):
            create_signer(path, LOG)
        if path.exists():
            assert read_note_signer(path).key.key_id == LOG.key.key_id
        assert [one for one in os.listdir(tmp_path) if one.startswith(".")] == []
        if faulty.steps <= number:
            break
        number += 1
    assert number >= 5


def test_one_key_follows_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """During the overlap both sign; afterwards the old one only checks, and its secret is gone."""
    caplog.set_level(logging.DEBUG)
    keys = LogKeys(tmp_path / "keys", secrets.token_bytes)
    assert (keys.signers(), keys.public()) == ((), ())
    first = keys.add("shop.example/log")
    with pytest.raises(StorageError, match="the only one that signs"):
        keys.retire(1)
    second = keys.add("shop.example/log")
    assert [(one.number, one.retired) for one in (first, second)] == [(1, False), (2, False)]
    before = [one.secret_text() for one in keys.signers()]
    assert [str(one.key) for one in keys.signers()] == [str(first.key), str(second.key)]
    retired = keys.retire(1)
    assert [(one.number, str(one.key), one.retired) for one in keys.public()] == [
        (1, str(first.key), True), (2, str(second.key), False),
    ]  # fmt: skip
    assert str(retired.key) == str(first.key)
    assert [one.secret_text() for one in keys.signers()] == before[1:]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "keys").iterdir())
    assert before[0].encode()[-40:-4] not in kept
    assert keys.retire(1).retired
    assert keys.add("shop.example/log").number == 3
    assert keys.retire(3).number == 3
    assert keys.add("shop.example/log").number == 4
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert not caplog.records


def test_a_retirement_that_was_cut_short(tmp_path: Path) -> None:
    """A key counts as retired from its public file on; doing it again destroys the secret."""
    keys = LogKeys(tmp_path, secrets.token_bytes)
    first = keys.add("shop.example/log")
    keys.add("shop.example/log")
    (tmp_path / "log-0001.retired").write_text(f"{first.key}\n")
    assert [one.key.key_id for one in keys.signers()] != [first.key.key_id]
    assert len(keys.signers()) == 1
    assert (tmp_path / "log-0001.key").exists()
    keys.retire(1)
    assert not (tmp_path / "log-0001.key").exists()


def test_what_cannot_be_a_key(tmp_path: Path) -> None:
    """Wrong names, absent numbers and damaged files are told; other files are passed over."""
    keys = LogKeys(tmp_path, secrets.token_bytes)
    with pytest.raises(FormatError):
        keys.add("two words")
    with pytest.raises(StorageError, match="no key with the number 7"):
        keys.retire(7)
    (tmp_path / "log-1.key").write_text("x")
    (tmp_path / "notes.txt").write_text("x")
    assert keys.public() == ()
    (tmp_path / "log-0001.retired").write_text("x")
    with pytest.raises(StorageError, match=r"log-0001\.retired"):
        keys.public()
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot"):
        LogKeys(tmp_path / "file", secrets.token_bytes).add("shop.example/log")


def test_a_new_key_is_drawn_from_chance(tmp_path: Path) -> None:
    """The seed is what the source of chance gave."""
    made = LogKeys(tmp_path, lambda count: b"s" * count).add("shop.example/log")
    assert str(made.key) == str(NoteSigner("shop.example/log", b"s" * 32).key)
