"""Rows become events, and every line is accounted for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.core.errors import FieldProblem, Problem
from kanhe.judge.intake.accounting import ImportReport
from kanhe.judge.intake.importing import BrokenLine, Chunk, MappedEvent, SetAside, apply
from tests.imports.shop_tables import HEAD, LINES, asides, events, imported, mapping, row


def test_lines_of_one_invoice_become_one_event() -> None:
    """Amounts are summed exactly, lines counted, items listed once each in order."""
    results = imported(
        [row(item="tea"), row(item="cup", price="0.10", count="3"), row(item="tea", price="0.20")]
    )
    (event,) = events(results)
    assert event == {
        "type": "order.placed", "id": "o-1", "order": "1", "at_ms": 1767607200000, "user": "u1",
        "currency": "EUR", "amount_minor": 370, "items_count": 3, "products": ["tea", "cup"],
        "is_guest": False,
    }  # fmt: skip
    assert isinstance(results[0], MappedEvent)
    assert (results[0].line, results[0].lines) == (1, 3)


def test_the_first_set_aside_that_holds_names_the_kind() -> None:
    """Lines that are no event are set aside by kind and never reach an event."""
    results = imported([row(price="0"), row("2"), row("3", kind="stocktaking")])
    assert asides(results) == [(1, 1, "no-price"), (3, 1, "no-event")]
    assert [event["order"] for event in events(results)] == ["2"]


def test_a_missing_customer_is_kept_as_a_guest_and_noted() -> None:
    """A field whose cell is missing is left out, and what is odd about the line is counted."""
    results = imported([row(who=None), row(who=None)])
    (event,) = events(results)
    assert "user" not in event
    assert event["is_guest"] is True
    assert isinstance(results[0], MappedEvent)
    assert results[0].notes == (("guest", 2, 1),)


def test_a_line_far_from_its_group_is_set_aside() -> None:
    """Once as many other rows went by as the mapping says, a group is complete."""
    rows = [row("1"), row("2"), row("3"), row("1"), *(row(str(n)) for n in range(4, 9)), row("1")]
    for size in (1, 2, 1000):
        results = imported(rows, size=size)
        assert asides(results) == [(10, 1, "late-line")]
        first = events(results)[0]
        assert (first["order"], first["items_count"]) == ("1", 2)


def test_a_line_that_contradicts_its_group_is_set_aside() -> None:
    """Two customers on one invoice are a contradiction; two empty cells are none."""
    assert asides(imported([row(), row(who="u2")])) == [(2, 1, "disagrees")]
    assert asides(imported([row(who=None), row(who="")])) == []


@pytest.mark.parametrize(
    ("cells", "detail"),
    [({"price": "1,50"}, "count × price for amount_minor: expected a number, got '1,50'"),
     ({"when": "yesterday"}, "when for at_ms: expected a date and time")],
)  # fmt: skip
def test_a_cell_that_is_not_as_declared_sets_its_event_aside(
    cells: dict[str, str], detail: str
) -> None:
    """The message names the column, the field, what was expected and what stood there."""
    results = imported([row(**cells), row("2")])
    assert asides(results) == [(1, 1, "not-understood")]
    assert isinstance(results[0], SetAside)
    assert detail in results[0].detail


def test_lists_that_are_too_long_are_shortened_and_say_so() -> None:
    """Nothing is dropped silently: a shortened list is noted with its lines."""
    results = imported([row(item=name) for name in "abcde"])
    (event,) = events(results)
    assert event["products"] == ["a", "b", "c"]
    assert isinstance(results[0], MappedEvent)
    assert ("list-shortened", 5, 1) in results[0].notes


def test_a_time_can_be_told_to_be_later() -> None:
    """`plus` is for tables that do not say when something came to be known."""
    text = (
        HEAD
        + """
[[event]]
type = "account.login"

[event.fields]
id = { column = "n" }
at_ms = { column = "t", as = "time", zone = "UTC", plus = "7d" }
user = { column = "n" }
"""
    )
    (event,) = events(imported([{"n": "u", "t": "2026-01-05 00:00:01"}], text))
    assert event["at_ms"] == 1767571201000 + 7 * 86_400_000


def test_without_a_group_every_line_is_an_event() -> None:
    """One line, one event; forms and tests work on single cells."""
    text = (
        HEAD
        + """
[codes.lands]
"EIRE" = "IE"
"?" = ""

[[event]]
type = "account.login"
when = [{ column = "ok", is = 1 }, { column = "who", not_in = ["robot", "test"] }]

[event.fields]
id = { column = "n", prefix = "l-" }
at_ms = { column = "t", as = "time", zone = "UTC", format = "%d.%m.%Y" }
user = { column = "who" }
ip_country = { column = "land", as = "code", table = "lands" }
mfa_used = { column = "second", as = "bool" }
attempt_no = { column = "tries", as = "integer" }
"""
    )
    line = {"n": 1.0, "t": "05.01.2026", "who": "u", "land": "EIRE", "second": "no", "tries": "2",
            "ok": "1.00"}  # fmt: skip
    results = imported(
        [line, {**line, "who": "robot"}, {**line, "land": "?"}, {**line, "land": "X"},
         {**line, "tries": "1.5"}], text,
    )  # fmt: skip
    assert events(results)[0] == {
        "type": "account.login", "id": "l-1", "at_ms": 1767571200000, "user": "u",
        "ip_country": "IE", "mfa_used": False, "attempt_no": 2,
    }  # fmt: skip
    assert "ip_country" not in events(results)[1]
    assert [kind for _, _, kind in asides(results)] == [
        "no-event", "not-understood", "not-understood",
    ]  # fmt: skip


TESTS: list[tuple[str, list[Any], list[bool]]] = [
    ("is = 0", [0, 0.0, "0.00", "x", None], [True, True, True, False, False]),
    ('is = "A"', ["A", " A ", "a", None], [True, True, False, False]),
    ('is_not = "A"', ["A", "b", None], [False, True, True]),
    ('in = ["A", 1]', ["A", "1.0", "B"], [True, True, False]),
    ('not_in = ["A"]', ["A", "B", None], [False, True, True]),
    ('starts_with = "C"', ["C1", "1C", None, 7], [True, False, False, False]),
    ('not_starts_with = "C"', ["C1", "1C", None], [False, True, True]),
    ("missing = true", ["", None, float("nan"), "x"], [True, True, True, False]),
    ("missing = false", ["", "x"], [False, True]),
    ("below = 0", [-1, "-0.01", 0, "x", None], [True, True, False, False, False]),
    ("above = 1.5", ["1.6", 1.5, 1], [True, False, False]),
    ("at_least = 2", [2, "2.0", 1], [True, True, False]),
    ("at_most = 2", [2, 3, -5], [True, False, True]),
]


@pytest.mark.parametrize(("test", "cells", "expected"), TESTS, ids=[test for test, *_ in TESTS])
def test_tests_of_cells(test: str, cells: list[Any], expected: list[bool]) -> None:
    """Each test holds for exactly the cells it should; a missing cell is neither more nor less."""
    text = LINES.replace('{ column = "price", at_most = 0 }', f'{{ column = "x", {test} }}')
    results = imported([row(str(n), x=cell) for n, cell in enumerate(cells)], text)
    held = {line for line, _, kind in asides(results) if kind == "no-price"}
    assert [n + 1 in held for n in range(len(cells))] == expected


line_rows = st.builds(
    row, st.sampled_from("123456"), who=st.sampled_from(["u1", "u2", None, ""]),
    price=st.sampled_from(["0", "1.25", "x", "-3", None]), kind=st.sampled_from(["sale", "other"]),
    when=st.sampled_from(["2026-01-05 10:00:00", "?", ""]),
)  # fmt: skip


@given(st.lists(line_rows, max_size=60), st.integers(1, 20))
def test_every_line_is_in_exactly_one_place(rows: list[dict[str, Any]], size: int) -> None:
    """Whatever the table holds and however it is cut into chunks, the account balances."""
    results = imported(rows, size=size)
    report = ImportReport(mapping())
    for result in results:
        report.take(result)
    assert report.lines_read == sum(result.lines for result in results) == len(rows)
    assert report.balanced()
    assert sorted(results) == sorted(imported(rows)) if rows else results == []
    lines = [result.line for result in results if isinstance(result, MappedEvent)]
    assert lines == sorted(lines)


def test_broken_lines_are_part_of_the_account() -> None:
    """Lines the file reader could not read are set aside with their reason."""
    made = mapping()
    cells = [[row()[name]] for name in made.columns]
    results = list(apply(made, [Chunk([3], cells, [BrokenLine(2, "cut off", 4)])]))
    assert asides(results) == [(2, 4, "broken-line")]


def test_the_report_tells_events_kinds_and_refusals() -> None:
    """Set aside, noted and refused lines are told apart, each with first lines and a reason."""
    results = imported([row(who=None), row("2", price="0"), row("3"), row("3")])
    report = ImportReport(mapping())
    for result in results:
        report.take(result)
        if isinstance(result, MappedEvent) and result.lines == 2:
            wrong = FieldProblem("amount_minor", "0 to 10", "600")
            report.refuse(
                result, Problem("/problems/out-of-range", "Out of range", 422, "", (wrong,))
            )
    plain = report.as_json()
    assert plain["lines_read"] == 4
    assert plain["lines_in_events"] == 1
    assert plain["events"] == {"order.placed": 1}
    assert [(k["kind"], k["lines"], k["zh"]) for k in plain["set_aside"]] == [
        ("no-price", 1, "没有成交")
    ]
    assert [(k["kind"], k["first_lines"]) for k in plain["noted"]] == [("guest", [1])]
    assert plain["refused"] == [
        {"kind": "out-of-range", "lines": 2, "en": "Out of range", "zh": "Out of range",
         "first_lines": [3], "detail": "amount_minor: expected 0 to 10, got 600"}
    ]  # fmt: skip
    assert report.balanced()
