"""Opening database files: migrations, owners, versions."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import get_args

import pytest

from kanhe.core.errors import StorageError
from kanhe.stores.sqlite import schema
from kanhe.stores.sqlite.journal import SqliteJournal
from kanhe.stores.sqlite.schema import Database, Migration, describe, migrations, open_database

DATABASES = get_args(Database)
GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("database", DATABASES)
def test_schema_is_the_sum_of_its_migrations(database: Database, tmp_path: Path) -> None:
    """A new file has exactly the schema that is written down, so no migration changes unnoticed."""
    made = open_database(tmp_path / "new.db", database)
    assert describe(made) == (GOLDEN / f"{database}.sql").read_text(encoding="utf-8")
    made.close()


@pytest.mark.parametrize("database", DATABASES)
def test_migrating_twice_changes_nothing(database: Database, tmp_path: Path) -> None:
    """A file that is up to date is opened as it is, in WAL mode and fully synced."""
    open_database(tmp_path / "x.db", database).close()
    again = open_database(tmp_path / "x.db", database)
    assert schema.migrate(again, tmp_path / "x.db", database) == 0
    assert again.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert again.execute("PRAGMA synchronous").fetchone() == (2,)
    assert again.execute("PRAGMA user_version").fetchone() == (len(migrations(database)),)
    again.close()


def test_each_step_is_one_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails half-way leaves the file as the step before left it, ready to go on."""
    real = migrations("keys")
    good = Migration(3, "0003_good.sql", "-- text\nCREATE TABLE a (x); -- one\nCREATE TABLE b (x);")
    bad = Migration(4, "0004_bad.sql", "CREATE TABLE c (x);\nCREATE TABLE a (x);\n")
    monkeypatch.setattr(schema, "migrations", lambda _: [*real, good, bad])
    path = tmp_path / "keys.db"
    with pytest.raises(StorageError, match="already exists"):
        open_database(path, "keys")
    monkeypatch.setattr(schema, "migrations", lambda _: [*real, good])
    made = open_database(path, "keys")
    names = {name for (name,) in made.execute("SELECT name FROM sqlite_schema")}
    assert {"a", "b"} <= names
    assert "c" not in names
    made.close()


def test_newer_file_is_refused(tmp_path: Path) -> None:
    """A file of a newer Kanhe is refused with both versions, and not touched."""
    path = tmp_path / "journal.db"
    made = open_database(path, "journal")
    made.execute("PRAGMA user_version = 99")
    made.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"newer Kanhe \(its schema is 99, this one knows up to"):
        SqliteJournal(path)
    assert path.read_bytes() == before


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    """A database of another program, or another of ours, is refused and not touched."""
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    open_database(tmp_path / "keys.db", "keys").close()
    for name in ("other.db", "keys.db"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(StorageError, match="not a Kanhe journal"):
            SqliteJournal(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before


def test_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    """A file without content, as a crash right after its creation leaves it, is simply filled."""
    (tmp_path / "journal.db").touch()
    journal = SqliteJournal(tmp_path / "journal.db")
    assert journal.last_seq() == 0
    journal.close()


def test_old_sqlite_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too old a SQLite is refused by its version, not by a syntax error."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(StorageError, match=r"needs 3\.37\.0 or newer"):
        open_database(tmp_path / "x.db", "keys")


def test_statement_without_end_is_refused() -> None:
    """A migration that was cut off does not half-run."""
    with pytest.raises(StorageError, match="middle of a statement"):
        schema._statements("CREATE TABLE a (x);\nCREATE TABLE b (")
