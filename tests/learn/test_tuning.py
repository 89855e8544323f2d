"""Thresholds by what mistakes cost: held to a slow count of every table, and to days that had no say."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.time import DAY_MS
from kanhe.judge.language.source import Source
from kanhe.judge.policy.manifest import read_manifest
from kanhe.judge.policy.pack import Pack
from kanhe.judge.verdict.decide import VerdictTable
from kanhe.learn.judged import Judged, judge_past
from kanhe.learn.truth import Assumptions, truth_of
from kanhe.learn.tuning import Costs, Thresholds, Tuning, tune
from kanhe.learn.tuning.costs import CostModel
from tests.learn.shops import START_MS, RowsPast, flow_of, label, pay, rows_of, shop_pack

FIRST_DAY = START_MS // DAY_MS
SCORED = """
rule("amount", on="payment.attempted", when=amount_minor >= 1000, points=30,
     en="More.", zh="较高。", tags=["OAT-001"], owner="risk")
rule("large", on="payment.attempted", when=amount_minor >= 3000, points=25,
     en="Large.", zh="大额。", tags=["OAT-001"], owner="risk")
rule("busy", on="payment.attempted", when=card_n_1d >= 2, points=20,
     en="Busy.", zh="频繁。", tags=["OAT-001"], owner="risk")
rule("friend", on="payment.attempted", when=user == "u0", outcome="allow", points=0,
     en="Known.", zh="老客户。", tags=["OAT-001"], owner="risk")
rule("stolen", on="payment.attempted", when=user == "u9", outcome="deny", points=0,
     en="Stolen.", zh="被盗。", tags=["OAT-001"], owner="risk")
rule("asked", on="payment.attempted", when=user == "u8", outcome="review", points=0,
     en="Ask.", zh="核实。", tags=["OAT-001"], owner="risk")
"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """A policy in which most is left to scores."""
    return shop_pack(tmp_path_factory.mktemp("shop"), SCORED)


def judged_of(pack: Pack, events: list[dict[str, Any]]) -> Judged:
    """The events, decided."""
    return judge_past(RowsPast(rows_of(events)), flow_of(pack))


def slow_costs(
    judged: Judged, pack: Pack, costs: Costs, table: VerdictTable, days: int
) -> list[float]:
    """What a table costs each day, one event after the other."""
    truth, _ = truth_of(judged, Assumptions(delay_ms=0))
    outcome = judged.outcome_under(table).tolist()
    found = []
    for day in range(days):
        places = [
            n for n in range(len(outcome)) if judged.at_ms[n] // DAY_MS == FIRST_DAY + day
        ]  # fmt: skip
        held = [n for n in places if outcome[n] == 2]
        most = len(held) if costs.reviews_per_day is None else costs.reviews_per_day
        done = min(len(held), most)
        left = 1 - done / len(held) if held else 0.0
        cost = float(done * costs.review_minor)
        refused = set()
        for n in places:
            if truth.fraud[n]:
                amount = int(judged.amount_minor[n])
                loss = amount if costs.fraud_minor is None else costs.fraud_minor
                cost += loss * [1.0, 1 - costs.challenge_stops, left, 0.0][outcome[n]]
            elif truth.honest[n] and outcome[n] == 3:
                refused.add(int(judged.buyer[n]))
            elif truth.honest[n] and outcome[n] == 1:
                cost += costs.challenge_loses * costs.refusal_minor
        found.append(cost + len(refused) * costs.refusal_minor)
    return found


_costs = st.builds(
    Costs,
    review_minor=st.integers(0, 500),
    refusal_minor=st.integers(0, 5_000),
    fraud_minor=st.sampled_from([None, 0, 4_000]),
    reviews_per_day=st.sampled_from([None, 0, 1, 3]),
    challenge_stops=st.sampled_from([0.0, 0.5, 1.0]),
    challenge_loses=st.sampled_from([0.0, 0.25]),
)
_payments = st.lists(
    st.tuples(
        st.floats(0, 2.99),
        st.sampled_from(["u0", "u1", "u2", "u8", "u9", None]),
        st.sampled_from(["c1", "c2", "c3"]),
        st.sampled_from([0, 500, 1_500, 4_000]),
        st.sampled_from(["", "fraud", "legitimate", "unknown"]),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=50)
@given(_payments, _costs)
def test_every_table_costs_what_counting_gives(
    pack: Pack, payments: list[Any], costs: Costs
) -> None:
    """For any events and costs, each table costs each day what a slow count says."""
    events = []
    for n, (day, user, card, minor, verdict) in enumerate(payments):
        events.append(pay(f"e{n}", day, user, card, minor))
        if verdict:
            events.append(label(f"l{n}", 5, f"e{n}", verdict))
    events.sort(key=lambda e: e["at_ms"])
    judged = judged_of(pack, events)
    truth, _ = truth_of(judged, Assumptions(delay_ms=0))
    places = [20, 30, 50, 55, 75, 76]
    model = CostModel(
        judged, truth, costs, judged.at_ms // DAY_MS, FIRST_DAY, FIRST_DAY + 2, places
    )
    tables = list(itertools.combinations_with_replacement(range(len(places)), 3))
    fast = model.under(np.array(tables)).total
    for n, (c, r, d) in enumerate(tables):
        table = VerdictTable(challenge=places[c], review=places[r], deny=places[d])
        assert fast[:, n] == pytest.approx(slow_costs(judged, pack, costs, table, 3), abs=1e-6)


def a_shop(seed: int, days: int = 60, swap_at: int = 999) -> list[dict[str, Any]]:
    """Large payments are mostly fraud, middling ones sometimes; from a day on it is the other way round."""
    chance = np.random.default_rng(seed)
    events = []
    for n in range(days * 30):
        day = n / 30
        kind = chance.choice(3, p=[0.75, 0.15, 0.10])
        minor = int([chance.integers(100, 900), chance.integers(1_000, 2_900),
                     chance.integers(3_000, 9_000)][kind])  # fmt: skip
        risk = [0.005, 0.1, 0.8][kind] if day < swap_at else [0.05, 0.1, 0.0][kind]
        events.append(pay(f"e{n}", day, f"u{100 + n % 900}", f"c{n}", minor))
        if chance.random() < risk:
            events.append(label(f"l{n}", day, f"e{n}", "fraud"))
    return events


COSTS = Costs(review_minor=150, refusal_minor=2_000, reviews_per_day=8)


def test_the_proposal_is_the_cheapest_of_the_earlier_days(pack: Pack) -> None:
    """No table out of the scores that occur costs less on the days of the choice, by a slow count."""
    judged = judged_of(pack, a_shop(1))
    found = tune(judged, COSTS, Assumptions(delay_ms=0))
    assert found.earlier is not None and found.proposed is not None
    days = found.earlier.days

    def mean(challenge: int, review: int, deny: int) -> float:
        table = VerdictTable(challenge=challenge, review=review, deny=deny)
        return sum(slow_costs(judged, pack, COSTS, table, days)) / days

    best = min(
        mean(1, review, deny)
        for review, deny in itertools.combinations_with_replacement([30, 55, 56, 70, 100], 2)
    )
    assert mean(*msgspec.structs.astuple(found.proposed)) == pytest.approx(best)


def test_a_clear_gain_is_seen_on_the_later_days(pack: Pack) -> None:
    """Where the present table lets most fraud through, the better one is found and said to be better."""
    judged = judged_of(pack, a_shop(2))
    found = tune(judged, COSTS, Assumptions(delay_ms=0))
    assert found.verdict == "better"
    assert found.later is not None and found.saving is not None and found.spread is not None
    assert found.cost_present is not None and found.cost_proposed is not None
    assert found.saving.low > 0 and found.likely == 1.0
    assert found.saving.low <= found.saving.minor <= found.saving.high
    assert found.cost_present.total.minor - found.cost_proposed.total.minor == pytest.approx(
        found.saving.minor, abs=2
    )
    cost = found.cost_proposed
    parts = cost.fraud_minor + cost.reviews_minor + cost.refusals_minor + cost.challenges_minor
    assert parts == pytest.approx(cost.total.minor, abs=4)
    assert found.proposed is not None
    assert found.spread.low.deny <= found.proposed.deny <= found.spread.high.deny
    assert found == tune(judged, COSTS, Assumptions(delay_ms=0)), "the same again"


def test_the_later_days_have_no_say_in_the_choice(pack: Pack) -> None:
    """If the world turns after the choice, the proposal stays and is said to be worse."""
    before = tune(judged_of(pack, a_shop(3)), COSTS, Assumptions(delay_ms=0))
    turned = tune(judged_of(pack, a_shop(3, swap_at=36)), COSTS, Assumptions(delay_ms=0))
    assert turned.proposed == before.proposed
    assert turned.earlier == before.earlier
    assert turned.saving is not None and before.saving is not None
    assert turned.saving.minor < before.saving.minor
    assert turned.verdict != "better"


def test_costs_move_thresholds_the_way_they_should(pack: Pack) -> None:
    """When refusing is dear, less is denied; when reviews are dear, less is held."""
    judged = judged_of(pack, a_shop(4))

    def reviews_and_denial(**costs: Any) -> tuple[float, Thresholds]:
        found = tune(judged, Costs(**costs), Assumptions(delay_ms=0))
        assert found.cost_proposed is not None and found.proposed is not None
        return found.cost_proposed.reviews_per_day, found.proposed

    free, cheap = reviews_and_denial(review_minor=1, refusal_minor=1_000_000)
    costly, dear = reviews_and_denial(review_minor=100_000, refusal_minor=1_000)
    assert free > costly == 0
    assert cheap.deny > dear.deny


def test_step_ups_are_searched_only_if_they_do_something(pack: Pack) -> None:
    """Without a word on what step-ups do, their threshold stays, or comes down to that of review."""
    judged = judged_of(pack, a_shop(5))
    plain = tune(judged, COSTS, Assumptions(delay_ms=0))
    assert plain.proposed is not None
    assert plain.proposed.challenge == min(40, plain.proposed.review)
    strong = msgspec.structs.replace(COSTS, challenge_stops=0.95, challenge_loses=0.001)
    asked = tune(judged, strong, Assumptions(delay_ms=0))
    assert asked.proposed is not None and asked.tried > plain.tried
    assert asked.proposed.challenge < asked.proposed.review


@pytest.mark.parametrize(
    ("events", "lacking"),
    [
        ([], ("days",)),
        (a_shop(6, days=5), ("days",)),
        ([e for e in a_shop(6) if e["type"] != "label.assigned"] + [label("x", 60, "e3", "fraud")],
         ("fraud",)),
        ([{**e, "amount_minor": 50} if "amount_minor" in e else e for e in a_shop(6)], ("scores",)),
    ],
)  # fmt: skip
def test_too_little_gives_no_proposal(
    pack: Pack, events: list[dict[str, Any]], lacking: tuple[str, ...]
) -> None:
    """Without enough days, fraud, honest events or scores it says what is lacking, and proposes nothing."""
    found = tune(judged_of(pack, events), COSTS, Assumptions(delay_ms=0))
    assert found.verdict == "not_enough_labels"
    assert found.lacking == lacking
    assert (found.proposed, found.snippet) == (None, "")


def test_days_whose_labels_may_still_come_are_left_out(pack: Pack) -> None:
    """The last day is the last one whose events are all older than the delay."""
    judged = judged_of(pack, a_shop(7))
    found = tune(judged, COSTS, Assumptions(delay_ms=10 * DAY_MS))
    assert found.earlier is not None and found.later is not None
    last = found.later.first_ms // DAY_MS + found.later.days - 1
    assert (last + 1) * DAY_MS - 1 <= judged.known_by_ms - 10 * DAY_MS < (last + 2) * DAY_MS - 1
    assert found.later.first_ms == found.earlier.first_ms + found.earlier.days * DAY_MS


def test_the_snippet_is_what_a_pack_reads(pack: Pack) -> None:
    """The proposal can be put into pack.toml as it stands."""
    found: Tuning = tune(judged_of(pack, a_shop(8)), COSTS, Assumptions(delay_ms=0))
    text = '[pack]\nname = "a"\nversion = "1"\n[money]\nbase = "EUR"\n' + found.snippet
    table = read_manifest(Source("pack.toml", text)).verdict
    assert Thresholds(table.challenge, table.review, table.deny) == found.proposed


def test_fraud_without_an_amount_is_counted(pack: Pack) -> None:
    """Where the loss is the event's amount, fraud without one is told, since it costs nothing here."""
    events = a_shop(9)
    frauds = [e["subject_event"] for e in events if e["type"] == "label.assigned"]
    for e in events:
        if e["id"] in frauds[:3]:
            e["amount_minor"] = 0
    judged = judged_of(pack, events)
    assert tune(judged, COSTS, Assumptions(delay_ms=0)).amountless == 3
    fixed = msgspec.structs.replace(COSTS, fraud_minor=100)
    assert tune(judged, fixed, Assumptions(delay_ms=0)).amountless == 0
