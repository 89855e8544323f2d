"""Ports kept in memory: for tests, demonstrations and dry runs. Nothing survives the process."""

from kanhe.stores.memory.journal import MemoryJournal
from kanhe.stores.memory.log_folder import MemoryLogFolder

__all__ = ["MemoryJournal", "MemoryLogFolder"]
