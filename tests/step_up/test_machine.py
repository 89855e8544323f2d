"""Step-ups under hostile interleavings: whatever is tried in whatever order, nothing passes that should
not, nothing that was used works again, and every step leaves exactly one event."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from kanhe.app.stepping_up.asking import Asked
from kanhe.core.errors import Refusal
from kanhe.core.time import MINUTE_MS
from kanhe.protect.access.step_up import limits
from kanhe.protect.access.step_up.limits import StepUpWait
from tests.step_up.building import PAYMENT, App, House, code_at, question

USERS = ("u-1", "u-2")
AMOUNTS = (100, 100_000)
HOW = ("app", "app of before", "mail", "mail", "mail", "other mail", "other app", "wrong")
CHANGES: tuple[dict[str, Any], ...] = (
    {}, {}, {}, {}, {"amount_minor": 7}, {"user": "u-9"}, {"order": "o-2"}, {"purpose": "factors"},
)  # fmt: skip
IDS = ("", "p-1", "p-1", "p-2")


class Kept(NamedTuple):
    """A step-up as the test remembers it."""

    asked: Asked
    user: str
    amount: int
    begun_ms: int

    @property
    def payment(self) -> dict[str, Any]:
        """What it is about."""
        return {**PAYMENT, "amount_minor": self.amount}


class Confirmed(NamedTuple):
    """A confirmation that somebody holds."""

    step_up: Kept
    confirmation: str
    at_ms: int


class Steps(RuleBasedStateMachine):
    """Buyers, strangers, a clock and crashes."""

    step_ups: Bundle[Kept] = Bundle("step_ups")
    confirmations: Bundle[Confirmed] = Bundle("confirmations")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.house = House(self.folder / "buyers.db")
        self.apps: dict[str, App] = {}
        self.used: set[tuple[str, str]] = set()
        """Codes of apps that were taken, by user."""
        self.mailed: dict[str, tuple[str, int]] = {}
        """The last code of each step-up, and when it was sent."""
        self.passed: set[str] = set()
        self.redeemed: dict[str, str] = {}
        self.failures: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.latest = self.house.now
        for user in USERS:
            self.apps[user] = self.house.app(user)
            self.told["account.factor_added"] += 1

    def teardown(self) -> None:
        """Let go of the file."""
        self.house.room.store.close()
        shutil.rmtree(self.folder)

    @initialize(target=step_ups)
    def first(self) -> MultipleResults[Kept]:
        """Both buyers are asked about something."""
        return multiple(*(self.begin(user, amount) for user in USERS for amount in AMOUNTS))

    @rule(target=step_ups, user=st.sampled_from(USERS), amount=st.sampled_from(AMOUNTS))
    def begin(self, user: str, amount: int) -> Kept:
        """Somebody is asked, and may answer by app or by mail."""
        asked = self.house.asking.begin(question(
            user, amount_minor=amount, mail=f"{user}@example.com", wanted=("mail", "totp")
        ))  # fmt: skip
        self.told["step_up.requested"] += 1
        return Kept(asked, user, amount, self.house.now)

    @rule(step_up=step_ups)
    def send(self, step_up: Kept) -> None:
        """A code is sent, unless it must not be."""
        try:
            self.house.asking.send("shop", step_up.asked.id)
        except (Refusal, StepUpWait):
            return
        assert step_up.asked.id not in self.passed
        self.mailed[step_up.asked.id] = (self.house.mailbox.code.replace(" ", ""), self.house.now)

    @rule(
        target=confirmations,
        step_up=step_ups,
        other=step_ups,
        how=st.sampled_from(HOW),
        amount=st.sampled_from([None, None, None, *AMOUNTS]),
        tenant=st.sampled_from(["shop"] * 6 + ["other"]),
    )
    def confirm(
        self, step_up: Kept, other: Kept, how: str, amount: int | None, tenant: str
    ) -> Confirmed | MultipleResults[Confirmed]:
        """An attempt with some code for some amount; it passes exactly if it may."""
        said = step_up.payment if amount is None else {**step_up.payment, "amount_minor": amount}
        code = self._code(step_up, other, how)
        id = step_up.asked.id
        try:
            judged = self.house.asking.confirm(tenant, id, said, code, "")
        except (Refusal, StepUpWait):
            return multiple()
        assert tenant == "shop"
        assert id not in self.passed
        if not judged.passed:
            self.failures[id] += 1
            self.told["step_up.failed"] += 1
            assert judged.attempts_left == limits.ATTEMPTS - self.failures[id] >= 0
            return multiple()
        assert said == step_up.payment
        self._check_may_pass(step_up, code)
        self.passed.add(id)
        self.told["step_up.passed"] += 1
        return Confirmed(step_up, judged.confirmation, self.house.now)

    def _code(self, step_up: Kept, other: Kept, how: str) -> str:
        match how:
            case "app":
                return self.apps[step_up.user].code()
            case "app of before":
                return code_at(self.apps[step_up.user].secret, self.house.now - 30_000)
            case "mail":
                return self.mailed.get(step_up.asked.id, ("00000000", 0))[0]
            case "other mail":
                return self.mailed.get(other.asked.id, ("00000000", 0))[0]
            case "other app":
                return self.apps[other.user].code()
            case _:
                return "000000"

    def _check_may_pass(self, step_up: Kept, code: str) -> None:
        """What passed was a code of this buyer, or one sent for this very step-up, and was fresh."""
        now = self.house.now
        assert now < step_up.begun_ms + limits.LIFE_MS
        if len(code) == 8:
            sent, at_ms = self.mailed[step_up.asked.id]
            assert sent == code
            assert now < at_ms + limits.LIFE_MS
            return
        near = {code_at(self.apps[step_up.user].secret, now + d) for d in (-30_000, 0, 30_000)}
        assert code in near
        assert (step_up.user, code) not in self.used
        self.used.add((step_up.user, code))

    @rule(
        held=confirmations,
        changed=st.sampled_from(CHANGES),
        redemption=st.sampled_from(IDS),
    )  # fmt: skip
    def redeem(self, held: Confirmed, changed: dict[str, Any], redemption: str) -> None:
        """Somebody redeems; it works once, for what was confirmed, in time."""
        step_up = held.step_up
        said = {"purpose": "payment", "user": step_up.user, **step_up.payment, **changed}
        id = step_up.asked.id
        try:
            done = self.house.asking.redeem("shop", id, held.confirmation, said, redemption)
        except Refusal:
            return
        assert not changed
        assert id in self.passed
        if done.repeated:
            assert self.redeemed[id] == redemption != ""
        else:
            assert id not in self.redeemed
            assert self.house.now < held.at_ms + limits.REDEEM_MS
            self.redeemed[id] = redemption

    @rule(ms=st.sampled_from([1_000, 30_000, 30_000, MINUTE_MS, 6 * MINUTE_MS]))
    def wait(self, ms: int) -> None:
        """Time goes on."""
        self.house.now += ms

    @rule(ms=st.sampled_from([1_000, 45_000, 5 * MINUTE_MS]))
    def set_back(self, ms: int) -> None:
        """Somebody sets the clock back."""
        self.house.now -= ms

    @rule()
    def crash(self) -> None:
        """The process ends, and another one begins."""
        self.house.restart()

    @invariant()
    def everything_is_told_once(self) -> None:
        """The outbox holds one event for each step that was answered."""
        found = Counter(one["type"] for one in self.house.events())
        assert found == self.told
        assert sum(found.values()) == len({one["id"] for one in self.house.events()})


Steps.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
TestSteps = Steps.TestCase


@pytest.mark.parametrize("seed", range(6))
def test_a_long_day_passes_much_and_nothing_wrong(seed: int) -> None:
    """The same machine driven at random for long: all of its ways are taken, and none is wrong."""
    dice = random.Random(seed)
    machine = Steps()
    step_ups = [machine.begin(user, amount) for user in USERS for amount in AMOUNTS]
    held: list[Confirmed] = []
    try:
        for _ in range(250):
            step_up, other = dice.choice(step_ups[-6:]), dice.choice(step_ups)
            match dice.choice(
                "begin send confirm confirm confirm redeem redeem wait crash back".split()
            ):
                case "begin":
                    step_ups.append(machine.begin(dice.choice(USERS), dice.choice(AMOUNTS)))
                case "send":
                    machine.send(step_up)
                case "confirm":
                    amount = dice.choice([None, None, *AMOUNTS])
                    tenant = dice.choice(["shop"] * 8 + ["other"])
                    result = machine.confirm(step_up, other, dice.choice(HOW), amount, tenant)
                    held += [result] if isinstance(result, Confirmed) else []
                case "redeem" if held:
                    machine.redeem(dice.choice(held[-3:]), dice.choice(CHANGES), dice.choice(IDS))
                case "wait":
                    machine.wait(dice.choice([1_000, 30_000, MINUTE_MS]))
                case "crash":
                    machine.crash()
                case "back":
                    machine.set_back(1_000)
            machine.everything_is_told_once()
        assert len(machine.passed) >= 5
        assert len(machine.redeemed) >= 4
        assert {"step_up.failed", "step_up.passed"} <= machine.told.keys()
    finally:
        machine.teardown()
