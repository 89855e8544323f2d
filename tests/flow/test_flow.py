"""The path of one event, from bytes to a durable answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanhe.core.decision import decision_id, seq_of
from kanhe.core.errors import Refusal
from kanhe.judge.features.vectors import unpack_vector
from tests.flow.packs import NOW_MS, START_MS, decided, opened, payment, write_pack


def test_an_event_is_judged_with_itself_and_the_answer_says_why(tmp_path: Path) -> None:
    """The third payment within ten minutes is challenged, and the reason quotes the number."""
    with opened(tmp_path) as kanhe:
        answers = [decided(kanhe.judge("a", payment(f"e{i}", i)).answer) for i in range(3)]
        kanhe.commit()
    assert [a["outcome"] for a in answers] == ["allow", "allow", "challenge"]
    reasons = {r["rule"]: r for r in answers[2]["reasons"]}
    assert reasons["fast"]["text"]["en"] == "3 payments in 10 minutes"
    assert reasons["fast"]["text"]["zh"] == "10 分钟内 3 次支付"


def test_a_repeated_event_gets_the_same_bytes_and_counts_once(tmp_path: Path) -> None:
    """A retry changes nothing, within a group, after the commit and after a restart."""
    with opened(tmp_path) as kanhe:
        first = kanhe.judge("a", payment("e1"))
        again = kanhe.judge("a", payment("e1"))
        kanhe.commit()
        later = kanhe.judge("a", payment("e1", 5, amount_minor=7))
        kanhe.commit()
        assert (first.repeated, again.repeated, later.repeated) == (False, True, True)
    with opened(tmp_path) as kanhe:
        after = kanhe.judge("a", payment("e1"))
        assert {again.answer, later.answer, after.answer} == {first.answer}
        kanhe.judge("a", payment("e2", 6))
        kanhe.commit()
        row = kanhe.journal.read(2)
        assert row and unpack_vector(row.vector, 2) == (2.0, 2.0)


def test_two_tenants_see_nothing_of_each_other(tmp_path: Path) -> None:
    """Ids, windows, lists and decisions of one tenant mean nothing to another."""
    with opened(tmp_path) as kanhe:
        for i in range(5):
            last = kanhe.judge("a", payment(f"e{i}", i))
        other = kanhe.judge("b", payment("e0", 5))
        kanhe.commit()
        assert decided(last.answer)["outcome"] == "deny"
        assert not other.repeated and decided(other.answer)["outcome"] == "allow"
        handle = decided(last.answer)["decision_id"]
        assert kanhe.read("a", handle) == last.answer
        assert kanhe.read("b", handle) is None


def test_a_rule_that_divides_by_zero_is_recorded_and_costs_nothing(tmp_path: Path) -> None:
    """A failing rule is a signal; what it means for the type is the pack's to say."""
    with opened(tmp_path) as kanhe:
        pay = decided(kanhe.judge("a", payment("e1")).answer)
        refund = decided(
            kanhe.judge("a", payment("e2", type="refund.requested", order="o1", card=None)).answer
        )
        kanhe.commit()
    assert pay["outcome"] == "allow" and refund["outcome"] == "review"
    for decision in (pay, refund):
        assert [r["rule"] for r in decision["reasons"]] == ["broken"]
        assert "ZeroDivisionError" in decision["reasons"][0]["error"]


def test_a_decision_that_lists_a_card_holds_for_the_next_event_and_after_a_restart(
    tmp_path: Path,
) -> None:
    """List entries made by decisions expire by event time and survive as the journal does."""
    with opened(tmp_path) as kanhe:
        for i in range(4):
            kanhe.judge("a", payment(f"e{i}", i))
        soon = decided(kanhe.judge("a", payment("e5", 1800)).answer)
        kanhe.commit()
    with opened(tmp_path) as kanhe:
        still = decided(kanhe.judge("a", payment("e6", 3000)).answer)
        gone = decided(kanhe.judge("a", payment("e7", 3604)).answer)
        kanhe.commit()
    assert [d["outcome"] for d in (soon, still, gone)] == ["deny", "deny", "allow"]


def test_a_refused_event_leaves_no_trace(tmp_path: Path) -> None:
    """What is refused neither counts nor takes a number, and its id may come again, corrected."""
    with opened(tmp_path) as kanhe:
        before = kanhe.state()
        for bad in (
            payment("e1", currency=None),
            payment("e1", at_ms=NOW_MS + 10**7),
            payment("e1", color="red"),
            b'{"id":"e1"',
        ):
            with pytest.raises(Refusal):
                kanhe.judge("a", bad)
        assert kanhe.state() == before
        assert kanhe.judge("a", payment("e1")).seq == 1
        kanhe.commit()


def test_clocks_that_jump_neither_lose_events_nor_let_windows_run_back(tmp_path: Path) -> None:
    """Hours back, minutes ahead, and back again: each event is counted where its time says."""
    with opened(tmp_path) as kanhe:
        times = (0, 86_400, 0, 86_401, -86_400, 86_402)
        for i, second in enumerate(times):
            kanhe.judge("a", payment(f"e{i}", second))
        kanhe.commit()
        vectors = [unpack_vector(row.vector, 2)[0] for row in kanhe.journal.rows()]
        assert vectors == [1, 1, 1, 2, 2, 3]
        first = kanhe.journal.read(5)
        assert first and first.at_ms == START_MS - 86_400_000


def test_recorded_events_count_and_are_never_judged(tmp_path: Path) -> None:
    """`record` feeds the windows; the answer says the number and no outcome."""
    with opened(tmp_path) as kanhe:
        for i in range(2):
            pending = kanhe.record("a", payment(f"e{i}", i))
            assert decided(pending.answer) == {
                "event_id": f"e{i}", "seq": i + 1, "recorded": True,
            }  # fmt: skip
        judged = decided(kanhe.judge("a", payment("e3", 3)).answer)
        kanhe.commit()
        assert judged["outcome"] == "challenge"
        assert kanhe.stats().rules_fired["fast"] == 1


def test_alerts_leave_through_the_outbox_with_their_row(tmp_path: Path) -> None:
    """A denial puts one message into the outbox, durable with the decision."""
    with opened(tmp_path) as kanhe:
        for i in range(4):
            last = kanhe.judge("a", payment(f"e{i}", i))
        assert kanhe.journal.outbox() == []
        kanhe.commit()
        messages = [message for _, message in kanhe.journal.outbox()]
    assert [(m.seq, m.topic, m.payload) for m in messages] == [(4, "alert", last.answer)]


def test_another_pack_rebuilds_memory_under_its_own_features(tmp_path: Path) -> None:
    """After a change of policy old events count as the new declarations say."""
    with opened(tmp_path) as kanhe:
        for i in range(3):
            kanhe.judge("a", payment(f"e{i}", i))
        kanhe.commit()
        old = kanhe.pack.hash
    changed = (tmp_path / "pack" / "features.kanhe").read_text().replace('"10m"', '"20m"')
    (tmp_path / "pack" / "features.kanhe").write_text(changed)
    with opened(tmp_path) as kanhe:
        assert kanhe.pack.hash != old
        assert kanhe.journal.policy(old) and kanhe.journal.policy(kanhe.pack.hash)
        kanhe.judge("a", payment("e9", 900))
        kanhe.commit()
        row = kanhe.journal.read(4)
        assert row and unpack_vector(row.vector, 2)[0] == 4


def test_handles_say_where_and_refuse_what_is_no_handle() -> None:
    """A decision's handle leads back to its row; anything else leads nowhere."""
    assert seq_of(decision_id(12)) == 12
    for bad in (
        "",
        "d",
        "d12",
        "12-aaaaaa",
        "d-aaaaaa",
        "dx-aaaaaa",
        "d١-aaaaaa",
        "d" + "9" * 40 + "-aaaaaa",
    ):
        assert seq_of(bad) is None, bad


def test_events_a_new_pack_no_longer_knows_stay_and_count_for_nothing(tmp_path: Path) -> None:
    """Taking a field of the shop's own out of the pack does not stop the next start."""
    pack = write_pack(tmp_path / "pack")
    custom = pack / "events.kanhe"
    custom.write_text(
        'field("gift_note", kind="text", en="A note.", zh="留言。")\n'
        'extend("payment.attempted", may=["gift_note"])\n'
    )
    with opened(tmp_path) as kanhe:
        kanhe.judge("a", payment("e1", 0, gift_note="hello"))
        kanhe.judge("a", payment("e2", 1))
        kanhe.commit()
    custom.unlink()
    with opened(tmp_path) as kanhe:
        assert kanhe.stats().unknown_types == {"payment.attempted": 1}
        assert kanhe.judge("a", payment("e1")).repeated
        kanhe.judge("a", payment("e3", 2))
        kanhe.commit()
        row = kanhe.journal.read(3)
        assert row and unpack_vector(row.vector, 2)[0] == 2


def test_one_id_for_two_events_is_told(tmp_path: Path) -> None:
    """The first answer stands; the caller hears that the content was another one this time."""
    with opened(tmp_path) as kanhe:
        first = kanhe.judge("a", payment("e1"))
        same = kanhe.judge("a", payment("e1"))
        other = kanhe.judge("a", payment("e1", amount_minor=5))
        assert (same.repeated, same.differs) == (True, False)
        assert (other.repeated, other.differs) == (True, True)
        assert other.answer == first.answer


def test_an_entry_for_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A misspelled list would hold back nobody; so would a card number where a token belongs."""
    entry = {"type": "list.entry_added", "staff": "s1", "user": None, "card": None}
    entry |= {"amount_minor": None, "currency": None, "value": "c9"}
    with opened(tmp_path) as kanhe:
        for name, value, said in (
            ("stolen_crads", "c9", "stolen_cards"),
            ("stolen_cards", "4111111111111111", "never a card number"),
        ):
            raw = payment("l1", **{**entry, "list_name": name, "value": value})
            for take in (kanhe.judge, kanhe.record):
                with pytest.raises(Refusal) as caught:
                    take("a", raw, frozenset({"lists"}))
                assert said in caught.value.problem.errors[0].expected
        kanhe.record("a", payment("l1", **entry, list_name="stolen_cards"), frozenset({"lists"}))
        assert decided(kanhe.judge("a", payment("e1", 1, card="c9")).answer)["outcome"] == "deny"
