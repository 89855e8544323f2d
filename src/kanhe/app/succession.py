"""Which packs judge in this process: the one in force, a candidate with a share, and who is to follow.

What is due is said by the life of the packs (`Policies`); this brings it about, between two groups.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from kanhe.app.changeover import Changeover, Helper, drop_warmed, warmed_folder
from kanhe.app.policies import Policies, Who, kept_pack_of
from kanhe.app.sharing import Sharing
from kanhe.core.time import Clock
from kanhe.flow import Flow
from kanhe.judge.policy.life import KANHE, Life
from kanhe.judge.policy.pack import Pack
from kanhe.judge.policy.sharing import Share
from kanhe.record.journal.ports import Journal
from kanhe.stores.files.snapshots import SnapshotFolder

_WHY = "the governor holds {}"


class Judging(Protocol):
    """The installation that packs come into; see `installation.Kanhe`."""

    policies: Policies
    pack: Pack
    journal: Journal
    clock: Clock

    @property
    def flow(self) -> Flow:
        """The path of the pack in force."""

    def switch(self, flow: Flow) -> None:
        """Have another path take its place."""


class Succession:
    """The candidate and the one to follow."""

    def __init__(self, data_dir: Path, key: bytes, make: Callable[[Pack], Flow]) -> None:
        self.helper: Helper | None = None
        self.changeover: Changeover | None = None
        self.sharing: Sharing | None = None
        self._data_dir = data_dir
        self._key = key
        self._make = make

    def tend(self, judging: Judging, budget_s: float) -> None:
        """Do what is due, for about so long."""
        life = judging.policies.life
        self._guard(judging, life)
        self._shadow(life)
        share = self._share_due(life)
        if self.sharing is not None:
            if share is None or self.sharing.candidate.pack.hash != share.policy:
                self.leave_candidate()
            else:
                self.sharing.share = share
        due = ""
        if life.begun and life.wanted != judging.pack.hash:
            due = life.wanted
            if self.sharing is not None and due == self.sharing.candidate.pack.hash:
                # The candidate is where the journal is already.
                self.sharing.follow()
                self._hand_over(judging, self.sharing.candidate)
                return
        elif share is not None and self.sharing is None:
            due = share.policy
        if self.changeover is not None and self.changeover.policy != due:
            self.leave_changeover()
        if due:
            self._bring(judging, due, share, budget_s)

    def _bring(self, judging: Judging, due: str, share: Share | None, budget_s: float) -> None:
        """Work on the memory of a pack, and let it in when it is ready."""
        if self.changeover is None:
            self.changeover = self._begin(judging, due)
        flow = self.changeover.chase(budget_s)
        if flow is None:
            return
        self.changeover = None
        if judging.policies.life.begun and due == judging.policies.life.wanted:
            self._hand_over(judging, flow)
        elif share is not None:
            self.sharing = Sharing(judging.flow, flow, share)

    def _hand_over(self, judging: Judging, flow: Flow) -> None:
        self.leave_candidate()
        flow.journal = judging.journal
        judging.switch(flow)
        drop_warmed(self._data_dir)

    def _begin(self, judging: Judging, due: str) -> Changeover:
        journal, warmed = judging.journal, None
        if self.helper is not None:
            warmed = SnapshotFolder(warmed_folder(self._data_dir, due))
        return Changeover(
            due,
            journal,
            lambda policy: self._make(kept_pack_of(journal, policy)),
            warmed,
            self.helper,
        )

    def _shadow(self, life: Life) -> None:
        if self.helper is not None:
            candidate = life.candidate
            shadowed = candidate is not None and candidate.state == "shadow"
            self.helper.shadow(candidate.hash if candidate is not None and shadowed else "")

    def _share_due(self, life: Life) -> Share | None:
        candidate = life.candidate
        if candidate is None or not candidate.share_permille or candidate.hash == life.in_force:
            return None
        return Share(candidate.hash, candidate.share_permille, self._key)

    def _guard(self, judging: Judging, life: Life) -> None:
        """If the governor holds something of a pack in its first days, the one before comes back; a
        candidate with a share is withdrawn."""
        if self.sharing is not None:
            candidate, held = life.candidate, self.sharing.candidate.governor.in_effect()
            if held and candidate is not None and candidate.state in ("sharing", "approved"):
                why = _WHY.format(held[0].rule or "*")
                judging.policies.take("withdrawn", candidate.hash, Who(KANHE), why)
        within = judging.pack.governor.rollback_within_ms
        mine = life.packs.get(judging.pack.hash)
        if not within or mine is None or mine.state != "live" or not life.rollback_target:
            return
        caps = judging.flow.governor.in_effect()
        if caps and judging.clock() - mine.since_ms <= within:
            judging.policies.rollback(Who(KANHE), _WHY.format(caps[0].rule or "*"))

    def broke(self) -> bool:
        """Something on the path raised: the candidate is made ready again. Says whether the live pack
        has to be rebuilt, too, because it lacks what the other one gathered."""
        if self.sharing is None:
            return False
        torn = self.sharing.candidate.torn or self.sharing.is_behind
        self.leave_candidate()
        return torn

    def leave_candidate(self) -> None:
        """Have the live pack decide everything again."""
        if self.sharing is not None:
            self.sharing.end()
            self.sharing = None

    def leave_changeover(self) -> None:
        """Give up what is being made ready."""
        if self.changeover is not None:
            self.changeover.close()
            self.changeover = None

    def forget(self) -> None:
        """Destroy memory that was made ready: somebody was erased."""
        self.leave_changeover()
        drop_warmed(self._data_dir)

    def finish(self, judging: Judging) -> None:
        """Do all that is due at once."""
        self.tend(judging, 0.0)
        if self.changeover is not None:
            self.changeover.wait()
            self.tend(judging, 60.0)
