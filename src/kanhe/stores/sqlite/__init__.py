"""SQLite: the journal (`journal.db`) and the desk (`desk.db`), one writer each."""

from kanhe.stores.sqlite.journal import SqliteJournal
from kanhe.stores.sqlite.keys import ApiKeyError, ApiKeys, KeyInfo

__all__ = ["ApiKeyError", "ApiKeys", "KeyInfo", "SqliteJournal"]
