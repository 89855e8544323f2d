"""Web servers split themselves into workers after the shop is loaded; clients live through it.

Before `os.fork` every client of the process stands still and closes its queue's file; after it, parent
and child each begin with their own file handle, connections, locks and sender.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forking(Protocol):
    """What stands still before a fork."""

    def before_fork(self) -> None:
        """Stand still and hold nothing open."""

    def after_fork(self, *, child: bool) -> None:
        """Go on."""


_all: weakref.WeakSet[Forking] = weakref.WeakSet()
_still: list[Forking] = []


def live_through_forks(one: Forking) -> None:
    """Tell this one of every fork for as long as it lives."""
    _all.add(one)


def _before() -> None:
    _still[:] = list(_all)
    for one in _still:
        one.before_fork()


def _after(*, child: bool) -> None:
    while _still:
        _still.pop().after_fork(child=child)


os.register_at_fork(
    before=_before,
    after_in_parent=lambda: _after(child=False),
    after_in_child=lambda: _after(child=True),
)
