"""Policy packs of the journal by their hash, the last few at hand: a pack takes a moment to load, and
those who look at old rows meet the same few again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict

from kanhe.judge.policy.pack import Pack
from kanhe.record.journal.ports import KeepsPolicies
from kanhe.replay.history import PackProblem, kept_pack

MOST_PACKS = 8
"""A few MiB each at most."""


class KeptPacks:
    """Packs that a journal keeps. Safe to use from several threads."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._packs: OrderedDict[str, Pack | None] = OrderedDict()

    def get(self, journal: KeepsPolicies, policy: str) -> Pack | None:
        """The pack of this hash; `None` if the journal does not keep it, or it cannot be used.

        Raises `StorageError`.
        """
        with self._turn:
            if policy in self._packs:
                self._packs.move_to_end(policy)
                return self._packs[policy]
        found = kept_pack(journal, policy)
        pack = None if isinstance(found, PackProblem) else found
        with self._turn:
            self._packs[policy] = pack
            while len(self._packs) > MOST_PACKS:
                self._packs.popitem(last=False)
        return pack
