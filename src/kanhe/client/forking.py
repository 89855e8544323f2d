"""Web servers split themselves into workers after the shop is loaded; clients live through it.

Before `os.fork` every client of the process stands still and closes its queue's file; after it, parent
and child each begin with their own file handle, connections, locks and sender.

A module that another thread is just importing stays half made in the child, and whoever wants it there
waits for ever. So nothing is left to be imported when the first event is sent: Python itself would do
so, when it first looks at the name of a host.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - imported by Python when it is needed, see above
import os
import threading
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
_one_at_a_time = threading.Lock()
"""Two threads may fork at once; each finds the clients standing still for itself alone."""


def live_through_forks(one: Forking) -> None:
    """Tell this one of every fork for as long as it lives."""
    _all.add(one)


def _before() -> None:
    _one_at_a_time.acquire()
    for one in list(_all):
        one.before_fork()
        _still.append(one)


def _after(*, child: bool) -> None:
    while _still:
        _still.pop().after_fork(child=child)
    # The lock was taken by the thread that forks, which is the one that goes on in the child.
    _one_at_a_time.release()


os.register_at_fork(
    before=_before,
    after_in_parent=lambda: _after(child=False),
    after_in_child=lambda: _after(child=True),
)
