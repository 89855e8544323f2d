"""What every way in for events shares."""

from __future__ import annotations

from typing import NamedTuple

from kanhe.serve.api.access import Gate
from kanhe.serve.api.counters import Counters
from kanhe.serve.api.grouping import GroupCommit
from kanhe.serve.api.intake_limits import Reading


class Intake(NamedTuple):
    """Who is let in, how bodies are read, where events wait for their group, and who counts."""

    gate: Gate
    reading: Reading
    group: GroupCommit
    counters: Counters
    most_bytes: int
    """Of one event, alone or as a line."""


def scope_for(decide: bool) -> str:
    """The scope a key needs to have events decided, or only recorded."""
    return "decide" if decide else "record"
