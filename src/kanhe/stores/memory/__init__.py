"""Ports kept in memory: for tests, demonstrations and dry runs. Nothing survives the process."""

from kanhe.stores.memory.journal import MemoryJournal

__all__ = ["MemoryJournal"]
