"""Ports kept in memory: for tests, demonstrations and dry runs. Nothing survives the process."""

from kanhe.stores.memory.journal import MemoryJournal
from kanhe.stores.memory.log_folder import MemoryLogFolder
from kanhe.stores.memory.witness import MemoryWitness

__all__ = ["MemoryJournal", "MemoryLogFolder", "MemoryWitness"]
