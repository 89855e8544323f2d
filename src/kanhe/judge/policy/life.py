"""The one life of a policy pack: which steps it has taken, and which it may take next.

    draft → checked → backtested → shadow → sharing → approved → starting → live → retired
                                                                                 ↘ rolled back

A pack is known by its content hash, so that what was approved is what goes live, to the byte. No step
can be left out; only the share may be changed again and again, and a backtest repeated. Until it is
live a pack can be withdrawn. Each step is a `Move`, and all there is to know is a function of the
moves in their order: `Life.after` is the only place where they are checked, when somebody asks for
one and when the journal is read again.

Four eyes: who proposed a pack cannot approve it. An approval is for this pack in place of the one that
was in force then; if another pack has gone live since, it has to be given again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from kanhe.core.errors import KanheError

Step = Literal[
    "proposed", "checked", "backtested", "shadowed", "shared", "approved", "activated", "rolled_back",
    "in_force", "withdrawn",
]  # fmt: skip
STEPS: tuple[Step, ...] = get_args(Step)

State = Literal[
    "draft", "checked", "backtested", "shadow", "sharing", "approved", "starting", "live", "retired",
    "rolled_back", "withdrawn",
]  # fmt: skip

SHARE_MAX_PERMILLE = 100
"""The largest share of traffic before a second person has approved."""
SHARE_APPROVED_MAX_PERMILLE = 500
"""And after."""
KANHE = "kanhe"
"""In place of a person where Kanhe itself did it."""
_WHY_MAX = 500
_BY_MAX = 128
_FROM: Mapping[Step, tuple[State, ...]] = {
    "checked": ("draft",),
    "backtested": ("checked", "backtested"),
    "shadowed": ("backtested",),
    "shared": ("shadow", "sharing", "approved"),
    "approved": ("sharing", "approved"),
    "activated": ("approved",),
    "withdrawn": ("draft", "checked", "backtested", "shadow", "sharing", "approved"),
}
_OVER: tuple[State, ...] = ("retired", "rolled_back", "withdrawn")
_NEXT: Mapping[State, str] = {
    "draft": "check", "checked": "backtest", "backtested": "shadow", "shadow": "share",
    "sharing": "approve", "approved": "activate",
}  # fmt: skip


class LifeError(KanheError):
    """A step that a pack cannot take now. `code` is one word for programs."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one pack."""

    step: Step
    pack: str
    """The content hash; for `rolled_back`, of the pack that comes back."""
    live: str
    """The hash in force when the step was taken."""
    by: str
    """Who, or `KANHE`."""
    key: str = ""
    """The API key they used; `staff:` and their id if they signed in at the desk."""
    why: str = ""
    at_ms: int
    facts: dict[str, str] = {}
    """What else belongs to the step: the share, what a backtest found."""


class PackLife(msgspec.Struct, kw_only=True):
    """How far one pack has come."""

    hash: str
    state: State
    author: str
    since_ms: int
    """When it reached its state."""
    share_permille: int = 0
    approved_by: str = ""
    approved_over: str = ""
    """The hash that was in force when it was approved."""
    moves: list[Move] = []


class Life(msgspec.Struct):
    """All packs of an installation, after the moves so far."""

    packs: dict[str, PackLife] = {}
    in_force: str = ""
    """The hash of the pack that decides; before a pack first went live this way, that of the last move."""
    wanted: str = ""
    """The hash that is to be in force; another one while its memory is being made ready."""
    before: list[str] = []
    """The packs that a rollback leads back to, the last one first to come."""
    moves: int = 0
    begun: bool = False
    """Whether a pack was ever activated: from then on, settings do not say which one is in force."""

    @property
    def candidate(self) -> PackLife | None:
        """The pack in shadow or with a share of the traffic; there is one at most."""
        for pack in self.packs.values():
            if pack.state in ("shadow", "sharing") or (
                pack.state in ("approved", "starting") and pack.share_permille
            ):
                return pack
        return None

    def after(self, move: Move) -> None:
        """Take a step. Raises `LifeError` for one that cannot be taken, and then nothing has changed."""
        self._check_words(move)
        if self.begun and move.live != self.in_force:
            raise LifeError("stale", f"{move.live[:19]} is not in force, but {self.in_force[:19]}")
        before = self.in_force, self.wanted
        if not self.begun:
            self.in_force = self.wanted = move.live
        try:
            pack = self._checked(move)
        except LifeError:
            self.in_force, self.wanted = before
            raise
        # From here on nothing can fail.
        self.moves += 1
        self._take(move, pack)

    def _checked(self, move: Move) -> PackLife | None:
        """The pack that the move is about, if it may take this step."""
        pack = self.packs.get(move.pack)
        if move.step == "proposed":
            self._check_proposal(move, pack)
            return None
        if move.step == "rolled_back":
            self._check_rollback(move)
            return None
        if move.step == "in_force":
            if move.pack != self.wanted or move.pack == self.in_force:
                raise LifeError("not-wanted", f"{move.pack[:19]} is not due to come into force")
            return pack
        if pack is None:
            raise LifeError("unknown", f"{move.pack[:80]} was never proposed")
        if pack.state not in _FROM[move.step]:
            due = _NEXT.get(pack.state, "")
            hint = f"; what comes next is: {due}" if due else "; propose it again"
            raise LifeError("wrong-step", f"this pack is {pack.state.replace('_', ' ')}{hint}")
        if move.step == "shadowed" and self.candidate is not None:
            raise LifeError(
                "busy",
                f"{self.candidate.hash[:19]} is in shadow or has a share already; withdraw it first",
            )
        if move.step == "shared":
            self._check_share(move, pack)
        if move.step == "approved" and _same_person(move, pack):
            raise LifeError(
                "own-change", f"{move.by} proposed this pack: somebody else approves it"
            )
        if move.step == "activated":
            self._check_activation(pack)
        return pack

    def _check_proposal(self, move: Move, pack: PackLife | None) -> None:
        if move.pack in (self.in_force, self.wanted, move.live):
            raise LifeError("in-force", "this pack is in force")
        if pack is not None and pack.state not in _OVER:
            raise LifeError("known", f"this pack was proposed by {pack.author}: it is {pack.state}")

    @property
    def rollback_target(self) -> str:
        """The hash that a rollback leads to: the pack before, or the one in force while another is
        starting; empty if there is none."""
        if self.wanted == self.in_force:
            return self.before[-1] if self.before else ""
        starting = self.packs.get(self.wanted)
        return self.in_force if starting is not None and starting.state == "starting" else ""

    def _check_rollback(self, move: Move) -> None:
        target = self.rollback_target
        if not target and self.wanted != self.in_force:
            raise LifeError("changing", f"{self.wanted[:19]} is just coming back into force")
        if not target:
            raise LifeError("nothing-before", "no pack was in force before this one")
        if move.pack != target:
            raise LifeError("wrong-pack", f"a rollback leads to {target[:19]}")

    def _check_share(self, move: Move, pack: PackLife) -> None:
        approved = pack.state == "approved"
        most = SHARE_APPROVED_MAX_PERMILLE if approved else SHARE_MAX_PERMILLE
        if not 0 <= share_of(move) <= most:
            second = "" if approved else "; a second person's approval allows more"
            raise LifeError("share-too-large", f"the share is at most {most / 10:g} %{second}")
        if pack.state == "shadow" and share_of(move) == 0:
            raise LifeError("share-too-small", "a share of nothing is no share")
        if approved and self.candidate is not None and self.candidate is not pack:
            raise LifeError("busy", "another pack is in shadow or has a share")

    def _check_activation(self, pack: PackLife) -> None:
        if self.wanted != self.in_force:
            raise LifeError("changing", f"{self.wanted[:19]} is just coming into force")
        if pack.approved_over != self.in_force:
            raise LifeError(
                "approval-stale",
                f"it was approved in place of {pack.approved_over[:19]}, and now"
                f" {self.in_force[:19]} is in force: it has to be approved again",
            )

    def _take(self, move: Move, pack: PackLife | None) -> None:
        step = move.step
        if step == "proposed":
            kept = self.packs[move.pack].moves if move.pack in self.packs else []
            pack = self.packs[move.pack] = PackLife(
                hash=move.pack, state="draft", author=move.by, since_ms=move.at_ms, moves=kept
            )
        elif step == "rolled_back":
            self._take_back(move)
        elif step == "in_force":
            self._come_into_force(move)
        elif pack is not None:
            self._go_on(move, pack)
        if pack is not None:
            pack.moves.append(move)

    def _go_on(self, move: Move, pack: PackLife) -> None:
        states: dict[Step, State] = {
            "checked": "checked", "backtested": "backtested", "shadowed": "shadow",
            "approved": "approved", "activated": "starting", "withdrawn": "withdrawn",
        }  # fmt: skip
        if move.step == "shared":
            pack.share_permille = share_of(move)
            state: State = "approved" if pack.state == "approved" else "sharing"
        else:
            state = states[move.step]
        if move.step == "approved":
            pack.approved_by, pack.approved_over = move.by, move.live
        if move.step == "withdrawn":
            pack.share_permille = 0
        if move.step == "activated":
            # What a rollback leads to is known from this moment on.
            self.before.append(self.in_force)
            self.begun = True
            self.wanted = pack.hash
        if state != pack.state:
            pack.state, pack.since_ms = state, move.at_ms

    def _take_back(self, move: Move) -> None:
        gone = self.packs.get(self.wanted)
        if self.before:
            self.before.pop()
        self.wanted = move.pack
        if gone is not None:
            gone.state, gone.since_ms, gone.share_permille = "rolled_back", move.at_ms, 0
            gone.moves.append(move)

    def _come_into_force(self, move: Move) -> None:
        left, comes = self.packs.get(self.in_force), self.packs.get(move.pack)
        if left is not None and left.state == "live":
            left.state, left.since_ms = "retired", move.at_ms
        if comes is not None:
            comes.state, comes.since_ms, comes.share_permille = "live", move.at_ms, 0
        self.in_force = move.pack

    def _check_words(self, move: Move) -> None:
        if move.step not in STEPS or not move.by.strip() or len(move.by) > _BY_MAX:
            raise LifeError("no-person", "every step is taken by somebody with a name")
        if len(move.why) > _WHY_MAX:
            raise LifeError("too-long", f"a reason has at most {_WHY_MAX} characters")
        mine = move.step in ("checked", "in_force", "rolled_back", "withdrawn")
        if person(move.by) == KANHE and not mine:
            raise LifeError("no-person", f"{move.by} is no person")


def _same_person(move: Move, pack: PackLife) -> bool:
    """Whether whoever takes this step proposed the pack, perhaps under another name since."""
    proposed = next((made for made in reversed(pack.moves) if made.step == "proposed"), None)
    same_key = proposed is not None and move.key != "" and move.key == proposed.key
    return same_key or person(move.by) == person(pack.author)


def person(name: str) -> str:
    """A name as people are told apart by: without differences of case, width and spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def share_of(move: Move) -> int:
    """The share that a move of step `shared` sets, in thousandths; -1 if it names none."""
    text = move.facts.get("share_permille", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else -1
