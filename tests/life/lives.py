"""Installations whose packs change while they judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kanhe.app import Kanhe
from kanhe.app.policies import Who
from kanhe.judge.policy.life import Step
from kanhe.judge.policy.pack import Pack, load_pack
from tests.flow.packs import FEATURES, RULES, write_pack

ANN, BOB = Who("ann", "k-ann"), Who("bob", "k-bob")
LONGER = (
    FEATURES.replace('"10m"', '"2h"')
    + 'cards_1d = distinct("payment.attempted", "card", by="user", over="1d")\n'
)
STRICTER = (
    RULES.replace("card_n_10m >= 3, points=50", "card_n_10m >= 2, points=70")
    + """
rule("many_cards", on="payment.attempted", when=cards_1d >= 3, points=80,
     en="{cards_1d} cards", zh="{cards_1d} 张卡", tags=["OAT-001"], owner="risk")
"""
)
WAY: Sequence[Step] = ("backtested", "shadowed", "shared", "approved", "activated")


def candidate(tmp_path: Path, extra: str = "") -> Pack:
    """A pack with other features and other rules than the small one."""
    return load_pack(write_pack(tmp_path / "candidate", LONGER, STRICTER + extra))


def walk(kanhe: Kanhe, pack: Pack, upto: Step, share: int = 100) -> None:
    """Take the pack from its proposal to a step, everything by the right person."""
    policies = kanhe.policies
    known = policies.life.packs.get(pack.hash)
    if known is None or known.state in ("retired", "rolled_back", "withdrawn"):
        policies.propose(pack, ANN, "because")
    steps = [move.step for move in policies.life.packs[pack.hash].moves]
    done = steps[len(steps) - 1 - steps[::-1].index("proposed") :]
    for step in WAY[: WAY.index(upto) + 1]:
        if step not in done:
            facts = {"share_permille": str(share)} if step == "shared" else {}
            policies.take(step, pack.hash, BOB if step == "approved" else ANN, "", facts)
