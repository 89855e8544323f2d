"""A pack goes its one way, and never live without a second person."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.judge.policy.life import KANHE, STEPS, Life, LifeError, Move, Step, person

FOUNDING = "sha256:" + "0" * 64
PACKS = [f"sha256:{letter * 64}" for letter in "abc"]
PEOPLE = ("ann", "Ann ", "bob", "eve", KANHE)


def move(life: Life, step: Step, pack: str, by: str = "ann", **facts: str) -> Move:
    """A step at a time that goes on."""
    live = life.in_force if life.begun else FOUNDING
    return Move(step=step, pack=pack, live=live, by=by, at_ms=life.moves, facts=facts)


def walk(life: Life, pack: str, *steps: Step, approver: str = "bob") -> None:
    """Take these steps; the approval is somebody else's."""
    for step in steps:
        by = {"approved": approver, "checked": KANHE, "in_force": KANHE}.get(step, "ann")
        facts = {"share_permille": "50"} if step == "shared" else {}
        life.after(move(life, step, pack, by, **facts))


WAY: Sequence[Step] = (
    "proposed", "checked", "backtested", "shadowed", "shared", "approved", "activated", "in_force",
)  # fmt: skip


def test_a_pack_goes_its_way() -> None:
    """Step by step to live, and the one before it is what a rollback leads to."""
    life = Life()
    walk(life, PACKS[0], *WAY)
    assert (life.in_force, life.wanted, life.before) == (PACKS[0], PACKS[0], [FOUNDING])
    walk(life, PACKS[1], *WAY)
    assert life.packs[PACKS[0]].state == "retired" and life.packs[PACKS[1]].state == "live"
    life.after(move(life, "rolled_back", PACKS[0], "eve"))
    walk(life, PACKS[0], "in_force")
    assert life.packs[PACKS[1]].state == "rolled_back" and life.packs[PACKS[0]].state == "live"
    life.after(move(life, "rolled_back", FOUNDING, "eve"))
    walk(life, FOUNDING, "in_force")
    assert life.in_force == FOUNDING and life.begun
    with pytest.raises(LifeError, match="no pack was in force before"):
        life.after(move(life, "rolled_back", "", "eve"))


@pytest.mark.parametrize("skipped", range(1, len(WAY) - 1))
def test_no_step_can_be_left_out(skipped: int) -> None:
    """Whichever step is left out, the next one is refused and says what comes next."""
    life = Life()
    walk(life, PACKS[0], *WAY[:skipped])
    with pytest.raises(LifeError) as caught:
        walk(life, PACKS[0], *WAY[skipped + 1 :])
    assert caught.value.code in ("wrong-step", "not-wanted")


@pytest.mark.parametrize("name", ["ann", "ANN", " Ann", "ａｎｎ"])
def test_nobody_approves_their_own_change(name: str) -> None:
    """The author is the author under every spelling of the name."""
    life = Life()
    walk(life, PACKS[0], *WAY[:5])
    with pytest.raises(LifeError, match="somebody else") as caught:
        walk(life, PACKS[0], "approved", approver=name)
    assert caught.value.code == "own-change"


def test_an_approval_is_for_what_it_replaces() -> None:
    """If another pack went live since, the approval has to be given again."""
    life = Life()
    walk(life, PACKS[0], *WAY[:6])
    life.after(move(life, "shared", PACKS[0], share_permille="0"))
    walk(life, PACKS[1], *WAY)
    with pytest.raises(LifeError, match="approved again"):
        walk(life, PACKS[0], "activated")
    walk(life, PACKS[0], "approved", "activated", "in_force")
    assert life.in_force == PACKS[0]


@pytest.mark.parametrize("share", ["101", "-1", "0", "", "1e2", "５", "9" * 40])
def test_a_share_is_small_before_approval(share: str) -> None:
    """One person alone gives a pack a tenth of the traffic at most, and a number it must be."""
    life = Life()
    walk(life, PACKS[0], *WAY[:4])
    with pytest.raises(LifeError) as caught:
        life.after(move(life, "shared", PACKS[0], share_permille=share))
    assert caught.value.code.startswith("share-too-")
    assert life.packs[PACKS[0]].state == "shadow"


def test_a_start_can_be_called_off() -> None:
    """A rollback while a pack is starting leaves the one in force where it is."""
    life = Life()
    walk(life, PACKS[0], *WAY[:7])
    life.after(move(life, "rolled_back", FOUNDING, "eve"))
    assert (life.wanted, life.in_force, life.before) == (FOUNDING, FOUNDING, [])
    with pytest.raises(LifeError):
        walk(life, PACKS[0], "in_force")


def test_a_rollback_under_way_is_not_rolled_back() -> None:
    """Asked twice, the bad pack does not come back."""
    life = Life()
    walk(life, PACKS[0], *WAY)
    life.after(move(life, "rolled_back", FOUNDING, "eve"))
    with pytest.raises(LifeError, match="just coming back"):
        life.after(move(life, "rolled_back", PACKS[0], "eve"))


def test_one_candidate_at_a_time() -> None:
    """While one pack is in shadow or has a share, another waits."""
    life = Life()
    walk(life, PACKS[0], *WAY[:4])
    walk(life, PACKS[1], *WAY[:3])
    with pytest.raises(LifeError, match="withdraw it first"):
        walk(life, PACKS[1], "shadowed")
    walk(life, PACKS[0], "withdrawn")
    walk(life, PACKS[1], "shadowed")


asked = st.tuples(
    st.sampled_from(STEPS),
    st.sampled_from([*PACKS, FOUNDING]),
    st.sampled_from(PEOPLE),
    st.sampled_from(["0", "50", "100", "400", "900", "x"]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(asked, st.just(None)), max_size=120))
def test_nothing_goes_live_without_a_second_person(wishes: list[object]) -> None:
    """Whatever anybody asks for in whatever order, a pack in force went every step since it was last
    proposed, and somebody else than its author approved it in place of the pack it replaced."""
    life = Life()
    done: list[Move] = []
    for wish in wishes:
        if wish is None:  # Somebody who knows the way goes one step further.
            wish = next(
                ((s, p, by, "50") for p in PACKS for s in WAY for by in ("ann", "bob", KANHE)
                 if _can(life, s, p, by)), ("proposed", PACKS[0], "ann", "")
            )  # fmt: skip
        step, pack, by, share = wish  # type: ignore[misc]  # as drawn
        wanted = move(life, step, pack, by, share_permille=share)
        try:
            life.after(wanted)
        except LifeError:
            continue
        done.append(wanted)
        if step == "in_force" and pack != FOUNDING:
            _check_history(done, pack)
    again = Life()
    for one in done:
        again.after(one)
    assert again == life


def _can(life: Life, step: Step, pack: str, by: str) -> bool:
    if step == "approved" and life.packs.get(pack) and life.packs[pack].state == "approved":
        return False
    if step in ("backtested", "shared") and life.packs.get(pack):
        if life.packs[pack].state in ("backtested", "sharing", "approved"):
            return False
    trial = Life()
    import copy

    trial = copy.deepcopy(life)
    try:
        trial.after(move(life, step, pack, by, share_permille="50"))
    except LifeError:
        return False
    return True


def _check_history(done: list[Move], pack: str) -> None:
    mine = [m for m in done if m.pack == pack]
    start = max(n for n, m in enumerate(mine) if m.step == "proposed")
    steps = [m.step for m in mine[start:]]
    for step in WAY[:-1]:
        assert step in steps
    author = person(mine[start].by)
    approvals = [m for m in mine[start:] if m.step == "approved"]
    assert all(person(m.by) not in (author, KANHE) for m in approvals)
    activation = next(m for m in mine if m.step == "activated" and m in mine[start:])
    assert any(m.live == activation.live for m in approvals)


def test_a_new_name_is_no_second_person() -> None:
    """Who proposed a pack cannot approve it under a name they have taken since: their key is the same."""
    life = Life()
    first = move(life, "proposed", PACKS[0])
    life.after(msgspec.structs.replace(first, key="staff:st-1"))
    walk(life, PACKS[0], "checked", "backtested", "shadowed", "shared")
    renamed = msgspec.structs.replace(move(life, "approved", PACKS[0], "bob"), key="staff:st-1")
    with pytest.raises(LifeError) as caught:
        life.after(renamed)
    assert caught.value.code == "own-change"
    life.after(msgspec.structs.replace(renamed, key="staff:st-2"))
    assert life.packs[PACKS[0]].approved_by == "bob"
