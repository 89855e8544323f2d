"""A broken mapping says what is wrong, where, and what to do."""

from __future__ import annotations

import pytest

from kanhe.judge.language.source import PolicyError, PolicyErrors
from tests.imports.shop_tables import LINES, ONLINE_RETAIL, mapping


def _first(text: str) -> str:
    with pytest.raises((PolicyError, PolicyErrors)) as caught:
        mapping(text)
    return str(caught.value).split("\n\n")[0]


def _place(needle: str, text: str) -> str:
    """`line:column` of the first place where the text stands."""
    before = text[: text.index(needle)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


BROKEN = [
    ('type = "order.placed"', 'type = "order.place"', "unknown event type order.place", "order.placed?"),
    ("items_count =", "item_count =", "order.placed has no field item_count", "items_count?"),
    ('order = { column = "no" }', "", "order.placed needs the field order", "add order"),
    ("at_most = 0", "at_moist = 0", "unknown key at_moist", "at_most?"),
    ("at_most = 0", 'at_most = "x"', "at_most takes a text or a number", ""),
    ("missing = true", 'missing = "yes"', "missing takes true or false", ""),
    (', zone = "UTC"', "", "zone is missing", "add zone"),
    ('zone = "UTC"', 'zone = "Europe/Lodnon"', "time zone 'Europe/Lodnon' is not known", "tzdata"),
    ('zone = "UTC"', 'zone = "UTC", plus = "week"', "not a duration: 'week'", ""),
    ("most = 3", "most = 300", "most must be 1 to 200", ""),
    ('count = "lines"', 'count = "rows"', 'count can only be "lines"', ""),
    ('kind = "no-price"', 'kind = "No Price"', "'No Price' cannot be a kind", "like-this"),
    ('as = "minor", total', 'as = "minr", total', "as cannot be 'minr'", "minor?"),
    ("total = true", "total = 1", "total must be true or false", ""),
    ("rows_apart = 3", "rows_apart = 0", "rows_apart must be", ""),
    ('is_guest = { missing = "who" }', 'is_guest = { column = "who" }', "this gives a text", ""),
    ('is_guest = { missing = "who" }', "is_guest = { }", "exactly one source", "constant"),
    ('order = { column = "no" }', "order = 3", "a field is a table", ""),
    ('zh = "没有成交"', 'zh = ""', "zh must not be empty", ""),
    ('group = { by = "no", rows_apart = 3, same = ["who"] }', "", "total needs a group", "group ="),
]  # fmt: skip


@pytest.mark.parametrize(
    ("good", "bad", "message", "hint"), BROKEN, ids=[message for _, _, message, _ in BROKEN]
)
def test_mistakes_are_shown_with_line_and_hint(
    good: str, bad: str, message: str, hint: str
) -> None:
    """The error names the file, points into the right line, and says what would be right."""
    assert good in LINES
    text = LINES.replace(good, bad, 1)
    error = _first(text)
    assert message in error
    assert hint in error
    assert error.startswith("map.toml:")
    if bad:
        line = int(error.split(":")[1])
        wanted = int(_place(bad, text).split(":")[0])
        assert line == wanted or "when" in text.split("\n")[line - 1]


def test_the_caret_stands_under_the_mistake() -> None:
    """Golden text of one error, as an author sees it."""
    text = LINES.replace("items_count =", "item_count =")
    assert _first(text) == (
        "map.toml:30:1: order.placed has no field item_count\n"
        '    item_count = { count = "lines" }\n'
        "    ^\n"
        "did you mean items_count?"
    )


def test_all_mistakes_are_shown_at_once() -> None:
    """An author sees every mistake of the file, not only the first."""
    text = LINES.replace("items_count", "item_count").replace("at_most", "atmost")
    with pytest.raises(PolicyErrors) as caught:
        mapping(text.replace('"order.placed"', '"order.placed"'))
    assert len(caught.value.errors) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [("name = ", "map.toml:1:1: this is not TOML"), ("a = [\n1,\n", "this is not TOML"),
     ("", "name is missing"), (LINES.split("[[event]]")[0], "makes no events"),
     (LINES + '\n[table]\nencoding = "klingon"\n', "encoding 'klingon' is not known"),
     (LINES + '\n[table]\ndelimiter = "::"\n', "delimiter must be one character")],
)  # fmt: skip
def test_files_that_are_no_mapping_are_refused(text: str, message: str) -> None:
    """Broken TOML, an empty file, no events and unknown encodings all say what is wrong."""
    assert message in _first(text)


def test_hostile_nesting_is_refused() -> None:
    """A text made to exhaust the parser is refused like any other mistake."""
    assert "map.toml:1" in _first("a = " + "[" * 20_000)


def test_the_shipped_mapping_is_valid() -> None:
    """The mapping of the example has no mistakes and reads the columns of its data set."""
    made = mapping(ONLINE_RETAIL.read_text("utf-8"))
    assert made.name == "online-retail"
    assert set(made.columns) == {
        "InvoiceNo", "Quantity", "StockCode", "UnitPrice", "CustomerID", "Country", "InvoiceDate",
    }  # fmt: skip
