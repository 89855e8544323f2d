"""An attacker who may write every file: whatever carries meaning cannot be changed without the audit
saying so, or the page about the log saying that it cannot be told."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.record.journal.ports import ERASED
from kanhe.record.log.audit import Misfit
from kanhe.stores.sqlite import seen
from kanhe.stores.sqlite.seen import event_key
from kanhe.stores.sqlite.segments import SegmentEncoder, read_segment
from tests.ledger.shops import audited, fold, opened, payment, send, settings, shop

TABLES = ("tenants", "types", "policies", "outbox", "seen", "progress")
FLIPS = 600


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that fits, to be copied and not to be touched."""
    folder = tmp_path_factory.mktemp("sound")
    fits = audited(shop(folder))
    assert (fits.size, fits.waiting, fits.erased) == (70, 0, 0)
    return folder


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Settings:
    """A copy of it, to be tampered with."""
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    return settings(tmp_path)


def _journal(at: Settings) -> Path:
    return Path(at.data_dir) / "journal.db"


def _content(path: Path) -> object:
    """All that the tables hold, and how they are made; `None` if it cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            made = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
            held = [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES]
            segments = db.execute("SELECT first, last, keys, rows FROM journal").fetchall()
            return made, held, [(*rest, read_segment(rows)) for *rest, rows in segments]
    except (sqlite3.Error, ValueError):
        return None


def test_a_flipped_byte_of_the_journal_is_found_or_means_nothing(copy: Settings) -> None:
    """Every change of what any table holds is found; what is not found has changed no table."""
    path = _journal(copy)
    # Whoever opens it last for writing moves all into the one file.
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    whole = path.read_bytes()
    content = _content(path)
    chance = random.Random(7)
    # All of what is full of structure, and of the rest so many places.
    places = {*range(120), *(chance.randrange(len(whole)) for _ in range(FLIPS))}
    found = 0
    for place in sorted(places):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        try:
            audited(copy)
        except KanheError:
            found += 1
        else:
            assert _content(path) == content, (
                f"the flip at {place} changes a table and is not found"
            )
        for name in ("-wal", "-shm"):
            path.with_name(path.name + name).unlink(missing_ok=True)
    assert found > 100
    path.write_bytes(whole)
    audited(copy)


def test_a_flipped_byte_of_the_log_and_of_its_keys_is_found(copy: Settings) -> None:
    """Checkpoint, history, tiles, bundles and keys have no byte to spare."""
    folder = Path(copy.data_dir)
    chance = random.Random(8)
    files = [
        path
        for name in ("log", "keys")
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and path.name != "kanhe.lock"
    ]
    assert len(files) > 8
    for path in files:
        whole = path.read_bytes()
        places = range(len(whole)) if len(whole) < 40 else chance.sample(range(len(whole)), 25)
        for place in (*places, 0, len(whole) - 1):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(KanheError):
                audited(copy)
                pytest.fail(f"{path.relative_to(folder)} was altered at {place}")
        path.write_bytes(whole)
        path.rename(path.with_name("gone"))
        # Smaller partial tiles may go once larger ones are there (C2SP tlog-tiles).
        if path.parent.suffix != ".p" or path.name == "70":
            with pytest.raises(KanheError):
                audited(copy)
        path.with_name("gone").rename(path)
    audited(copy)


Packed = list[Any]


def _rewrite(at: Settings, change: Callable[[int, Packed], Packed]) -> None:
    """Write every segment anew, as somebody does who knows how: checksum and keys are right."""
    with closing(sqlite3.connect(_journal(at), isolation_level=None)) as db:
        tenants = dict(db.execute("SELECT id, word FROM tenants"))
        for first, blob in db.execute("SELECT first, rows FROM journal").fetchall():
            rows = [change(first + n, list(row)) for n, row in enumerate(read_segment(blob))]
            keys = b"".join(
                event_key(tenants[row[0]], row[6]).to_bytes(8, "little") for row in rows
            )
            db.execute(
                "UPDATE journal SET rows = ?, keys = ? WHERE first = ?",
                (SegmentEncoder().value([tuple(row) for row in rows]), keys, first),
            )


def _row(at: Settings, wanted: Callable[[Packed], bool]) -> int:
    """The number of the first row that is as wanted."""
    with closing(sqlite3.connect(_journal(at))) as db:
        return next(
            first + n
            for first, blob in db.execute("SELECT first, rows FROM journal ORDER BY first")
            for n, row in enumerate(read_segment(blob))
            if wanted(list(row))
        )


def _cases() -> Iterator[tuple[str, int, Callable[[Packed], Any]]]:
    yield "tenant", 0, lambda row: 3 - row[0] if row[0] in (1, 2) else 1
    yield "type", 1, lambda row: row[1] % 2 + 1
    yield "kind", 3, lambda row: 1 - row[3]
    yield "erased", 3, lambda row: ERASED
    yield "at_ms", 4, lambda row: row[4] + 1
    yield "received_ms", 5, lambda row: row[5] + 1
    yield "event_id", 6, lambda row: row[6] + "x"
    yield "body", 7, lambda row: row[7].replace(b"1999", b"1998")
    yield "answer", 9, lambda row: row[9].replace(b'"score":0', b'"score":1')
    yield "salt", 10, lambda row: row[10][16:] + row[10][:16]


@pytest.mark.parametrize(
    ("place", "value"), [c[1:] for c in _cases()], ids=[c[0] for c in _cases()]
)
def test_a_row_rewritten_with_its_checksum_is_named(
    copy: Settings, place: int, value: Callable[[Packed], Any]
) -> None:
    """Whoever can write segments as Kanhe does still cannot change a part that the log commits to."""
    at = _row(copy, lambda row: row[3] == 0 and b'"score":0' in row[9] and b"1999" in row[7])

    def change(seq: int, row: Packed) -> Packed:
        if seq == at:
            row[place] = value(row)
        return row

    _rewrite(copy, change)
    with pytest.raises(Misfit, match=f"row {at} ") as misfit:
        audited(copy)
    assert misfit.value.seq == at


def test_a_vector_rewritten_with_its_checksum_is_for_replay_to_find(copy: Settings) -> None:
    """The log does not commit to vectors: replay makes them again, and the page about the log says so."""

    def change(seq: int, row: Packed) -> Packed:
        if row[8]:
            row[8] = b"\x00" * len(row[8])
        return row

    _rewrite(copy, change)
    audited(copy)


def _swap(at: Settings, change: Callable[[Packed, Packed], None]) -> None:
    """Change the first two payments of one tenant at once."""
    with closing(sqlite3.connect(_journal(at))) as db:
        firsts = [f for f, blob in db.execute("SELECT first, rows FROM journal ORDER BY first")
                  if read_segment(blob)[0][3] == 0][:2]  # fmt: skip
        rows = {f: list(read_segment(db.execute("SELECT rows FROM journal WHERE first = ?", (f,)).fetchone()[0])[0])
                for f in firsts}  # fmt: skip
    change(*rows.values())
    _rewrite(at, lambda seq, row: rows.get(seq, row))


def test_swapped_salts_and_swapped_rows_are_found(copy: Settings, sound: Path) -> None:
    """Two rows, or only their salts, cannot change places."""

    def salts(one: Packed, other: Packed) -> None:
        one[10], other[10] = other[10], one[10]

    def whole(one: Packed, other: Packed) -> None:
        one[:], other[:] = other[:], one[:]

    for change in (salts, whole):
        shutil.copy(sound / "data" / "journal.db", _journal(copy))
        _swap(copy, change)
        with pytest.raises(Misfit, match="row"):
            audited(copy)


STATEMENTS = {
    "a row deleted": "DELETE FROM journal WHERE first = 5",
    "the last row deleted": "DELETE FROM journal WHERE first = (SELECT max(first) FROM journal)",
    "rows renumbered": "UPDATE journal SET first = -first - 1, last = last - 1 WHERE first > 5",
    "keys emptied": "UPDATE journal SET keys = zeroblob(length(keys)) WHERE first = 7",
    "keys cut": "UPDATE journal SET keys = x'00' WHERE first = 7",
    "a segment of another row": "UPDATE journal SET rows = (SELECT rows FROM journal WHERE first = 8) WHERE first = 9",
    "a message deleted": "DELETE FROM outbox WHERE id = 2",
    "the last message deleted": "DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox)",
    "a message emptied": "UPDATE outbox SET payload = x'' WHERE id = 2",
    "a message altered": "UPDATE outbox SET payload = x'7b7d' WHERE id = 2",
    "a message of another row": "UPDATE outbox SET seq = seq + 1 WHERE id = 2",
    "a message of no row": "UPDATE outbox SET seq = 100000 WHERE id = 2",
    "a message of another topic": "UPDATE outbox SET topic = 'noise' WHERE id = 2",
    "a message more": "INSERT INTO outbox (seq, topic, payload) VALUES (1, 'alert', x'')",
    "a message renumbered": "UPDATE outbox SET id = 1000 WHERE id = 1",
    "a tenant renamed": "UPDATE tenants SET word = 'thief' WHERE word = 'shop'",
    "a type renamed": "UPDATE types SET word = 'payment.declined' WHERE word = 'payment.attempted'",
    "a word of no row": "INSERT INTO tenants (word) VALUES ('nobody')",
    "a word with a gap": "INSERT INTO policies (id, word) VALUES (77, 'sha256:00')",
    "a policy renamed": "UPDATE policies SET word = 'sha256:00'",
    "a policy's text removed": "UPDATE policies SET archive = NULL",
    "a policy's text altered": "UPDATE policies SET archive = CAST(replace(CAST(archive AS TEXT), 'Never', 'Nevar') AS BLOB)",
    "bytes behind a policy's text": "UPDATE policies SET archive = CAST(archive || zeroblob(512) AS BLOB)",
    "a key that is seen nowhere": "INSERT INTO seen VALUES (0, 12345, 3)",
    "progress that was not made": "UPDATE progress SET upto = 262144",
    "parts that were not made": "UPDATE progress SET parts = 3",
    "no progress": "DELETE FROM progress",
    "a table more": "CREATE TABLE more (x)",
    "an index more": "CREATE INDEX by_seq ON outbox (seq)",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON journal BEGIN DELETE FROM outbox; END",
}  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_a_statement_of_sql_is_found(copy: Settings, statement: str) -> None:
    """Whatever is changed with a SQL shell, in whichever table, does not fit."""
    with closing(sqlite3.connect(_journal(copy), isolation_level=None)) as db:
        db.execute(statement)
    with pytest.raises(KanheError):
        audited(copy)


def test_what_was_signed_cannot_be_taken_back(copy: Settings) -> None:
    """A history that was cut, or an older checkpoint put back, does not fit."""
    log = Path(copy.data_dir) / "log"
    signed, checkpoint = (log / "signed").read_bytes(), (log / "checkpoint").read_bytes()
    notes = signed.split(b"\n\n\xe2\x80\x94")
    first = signed[: signed.index(b"\n\n", signed.index("\u2014".encode())) + 1]
    for cut in (len(signed) - 1, len(signed) - 40, len(first) + 1, 10, 0):
        (log / "signed").write_bytes(signed[:cut])
        with pytest.raises(KanheError):
            audited(copy)
    (log / "signed").write_bytes(signed)
    assert len(notes) > 2
    (log / "checkpoint").write_bytes(first)
    with pytest.raises(Misfit, match="not the one that was signed last"):
        audited(copy)
    (log / "checkpoint").write_bytes(checkpoint)
    audited(copy)


def test_another_key_is_found(copy: Settings, sound: Path, tmp_path: Path) -> None:
    """A key put in the place of the log's, by which nothing was signed, does not fit; nor does one for
    pseudonyms."""
    keys = Path(copy.data_dir) / "keys"
    fold(other := settings(tmp_path / "thief"))
    for name in ("log-0001.key", "pseudonym.key"):
        whole = (keys / name).read_bytes()
        (keys / name).write_bytes((Path(other.data_dir) / "keys" / name).read_bytes())
        with pytest.raises(Misfit):
            audited(copy)
        (keys / name).unlink()
        with pytest.raises(KanheError):
            audited(copy)
        (keys / name).write_bytes(whole)
        (keys / name).chmod(0o600)
    audited(copy)


def test_rows_that_are_not_folded_are_read_too(tmp_path: Path) -> None:
    """A row that waits is held against itself, though no signature covers it yet."""
    at = shop(tmp_path, 20)
    with opened(tmp_path) as kanhe:
        send(kanhe, payment("late", 500))
    assert audited(at).waiting == 1
    last = _row(at, lambda row: row[6] == "late")

    def change(seq: int, row: Packed) -> Packed:
        return [*row[:4], row[4] + 1, *row[5:]] if seq == last else row

    _rewrite(at, change)
    with pytest.raises(Misfit, match=f"row {last} of the journal was altered"):
        audited(at)


def test_merged_keys_are_held_against_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once keys move into `seen`, each must be there, at its place, and `progress` must say how far."""
    for name, value in (("GENERATION", 128), ("PARTS", 8), ("PART_SHIFT", 60)):
        monkeypatch.setattr(seen, name, value)
    monkeypatch.setattr("kanhe.stores.sqlite.journal._SLICE", 16)
    at = settings(tmp_path)
    with opened(tmp_path) as kanhe:
        for n in range(40):
            send(kanhe, *(payment(f"m{n}-{k}", n, card=f"c{n}", user=f"u{k}") for k in range(10)))
            # Wherever the merging is, it fits.
            audited(at)
    path = _journal(at)
    whole = path.read_bytes()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM seen").fetchone()[0] > 200
        assert db.execute("SELECT upto FROM progress").fetchone()[0] >= 128
    for statement in (
        "DELETE FROM seen WHERE seq = 9", "UPDATE seen SET seq = 10 WHERE seq = 9",
        "UPDATE seen SET key = key + 1 WHERE seq = 9", "UPDATE seen SET epoch = 1 WHERE seq = 9",
        "UPDATE progress SET upto = upto - 128", "UPDATE progress SET upto = upto + 128",
        "UPDATE progress SET upto = upto + 1", "UPDATE progress SET parts = 9",
    ):  # fmt: skip
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute(statement)
        with pytest.raises(KanheError):
            audited(at)
        path.write_bytes(whole)
    audited(at)
