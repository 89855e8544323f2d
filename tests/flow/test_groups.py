"""A group of events comes out as if each of them had come alone."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.app import Kanhe
from kanhe.core.errors import Refusal, StorageError
from kanhe.core.event import Asked
from tests.flow.packs import decided, opened, payment
from tests.flow.test_faults import Breaks

SCOPES = frozenset({"decide", "record", "lists"})

sent = st.one_of(
    st.builds(
        lambda n, second, card, user: payment(f"e{n}", second, card=card, user=user),
        n=st.integers(0, 12),
        second=st.sampled_from([0, 1, 2, 30, 700, -5_000, 4_000]),
        card=st.sampled_from(["c1", "c2", None]),
        user=st.sampled_from(["u1", "u2"]),
    ),
    st.builds(
        lambda n, name, value: json.dumps(
            {"id": f"l{n}", "type": "list.entry_added", "at_ms": 1_767_225_600_000, "staff": "s1",
             "list_name": name, "value": value}
        ).encode(),
        n=st.integers(0, 3),
        name=st.sampled_from(["stolen_cards", "no_such_list"]),
        value=st.sampled_from(["c1", "c2"]),
    ),
    st.sampled_from([b"{", b'{"id":"x"}', payment("bad", currency=None)]),
)  # fmt: skip
asked = st.builds(
    lambda tenant, raw, decide: Asked(tenant, raw, SCOPES, decide),
    st.sampled_from(["a", "b"]), sent, st.sampled_from([True, True, False]),
)  # fmt: skip


def told(outcome: Any) -> Any:
    """What the asker hears, in a form that can be compared."""
    return outcome.problem if isinstance(outcome, Refusal) else outcome


@settings(max_examples=60, deadline=None)
@given(st.lists(asked, min_size=1, max_size=30), st.integers(1, 30))
def test_groups_of_any_size_come_out_the_same(stream: list[Asked], size: int) -> None:
    """Answers, journal and memory do not depend on how a stream was cut into groups."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, step in (("alone", 1), ("group", size)):
            with opened(Path(folder) / name) as kanhe:
                kanhe._key = bytes(16)
                kanhe._flow = kanhe._wire()
                outcomes: list[Any] = []
                for begin in range(0, len(stream), step):
                    outcomes += kanhe.take(stream[begin : begin + step])
                    kanhe.commit()
                rows = [row._replace(salt=b"") for row in kanhe.journal.rows()]
                found.append(([told(outcome) for outcome in outcomes], rows, kanhe.state()))
    assert found[0] == found[1]


def group(*ids: int) -> list[Asked]:
    """Payments of one card, a second apart."""
    return [Asked("a", payment(f"e{i}", i), SCOPES, True) for i in ids]


def rebuilt(kanhe: Kanhe) -> dict[str, bytes]:
    """The state as the journal alone gives it."""
    kanhe._flow = kanhe._wire()
    for row in kanhe.journal.rows():
        kanhe._flow.replay(row)
    return kanhe.state()


def test_what_breaks_a_group_costs_one_event(tmp_path: Path) -> None:
    """The event that broke is taken again by itself; its neighbours before and after are judged once."""
    with opened(tmp_path) as kanhe:
        for part, method in (("rules", "signals"), ("features", "observe_group"), ("lists", "at")):
            setattr(kanhe._flow, part, Breaks(getattr(kanhe._flow, part), method, after=True))
            begin = kanhe.stats().seq
            outcomes = kanhe.take(group(*range(begin, begin + 5)))
            kanhe.commit()
            assert not any(isinstance(outcome, Exception) for outcome in outcomes)
        assert [row.event_id for row in kanhe.journal.rows()] == [f"e{i}" for i in range(15)]
        assert kanhe.state() == rebuilt(kanhe)


def test_an_event_that_always_breaks_is_told_alone(tmp_path: Path) -> None:
    """A fault that one event brings with it stands in that event's place and in no other."""
    with opened(tmp_path) as kanhe:
        wire = kanhe._wire

        def faulty() -> Any:
            flow = wire()
            weigh = flow.weigh

            def weighed(arrival: Any, *rest: Any) -> Any:
                if arrival.event.id == "e2":
                    raise StorageError("e2 cannot be judged")
                return weigh(arrival, *rest)

            flow.weigh = weighed  # type: ignore[method-assign]
            return flow

        kanhe._wire = faulty  # type: ignore[method-assign]
        kanhe._flow = faulty()
        outcomes = kanhe.take(group(0, 1, 2, 3, 2))
        kanhe.commit()
        assert [isinstance(outcome, StorageError) for outcome in outcomes] == [
            False, False, True, False, True,
        ]  # fmt: skip
        assert [row.event_id for row in kanhe.journal.rows()] == ["e0", "e1", "e3"]
        kanhe._wire = wire  # type: ignore[method-assign]
        assert decided(kanhe.judge("a", payment("e4", 4)).answer)["outcome"] == "deny"
