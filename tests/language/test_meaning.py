"""The generated code means what the documentation says, for every well-typed expression."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kanhe.judge.language.codegen import RUNTIME, python_of
from kanhe.judge.language.expression import MAX_DEPTH, Checked, check, check_condition
from kanhe.judge.language.scope import Scope
from kanhe.judge.language.source import PolicyError, Source
from kanhe.judge.language.tree import Type
from tests.language.interpreter import World, condition, evaluate

REQUIRED = ("amount_minor", "currency")
SCOPE = Scope(
    fields={
        "id": Type.TEXT, "at_ms": Type.NUMBER, "amount_minor": Type.NUMBER, "currency": Type.TEXT,
        "amount_base": Type.NUMBER, "fill_ms": Type.NUMBER, "quantity": Type.NUMBER,
        "email": Type.TEXT, "card": Type.TEXT, "is_vpn": Type.BOOL, "is_guest": Type.BOOL,
        "products": Type.IDS,
    },
    features={"n1": Type.NUMBER, "n2": Type.NUMBER, "home": Type.TEXT, "last_card": Type.TEXT},
    lists={"watched": "text", "domains": "domain"},
)  # fmt: skip
INDEX = {"n1": 0, "n2": 1, "home": 2, "last_card": 3}
TEXTS = ("", "a", "Ab", "x@Shop.io", "b@", "de")

numbers = st.sampled_from([0, 1, 2, 3, 0.5, 7, 100])
small_texts = st.sampled_from(TEXTS)


def _pair(op: str) -> Callable[[tuple[str, str]], str]:
    return lambda sides: f"({sides[0]} {op} {sides[1]})"


def _expressions() -> tuple[st.SearchStrategy[str], st.SearchStrategy[str]]:
    """Texts of well-typed numbers and conditions."""
    number_leaf = st.one_of(
        numbers.map(repr),
        st.sampled_from(
            ["n1", "n2", "fill_ms", "quantity", "amount_base", "amount_minor", "at_ms", "len(email)",
             "len(products)", "len(domain(email))"]
        ),
    )  # fmt: skip
    text = st.one_of(
        small_texts.map(repr),
        st.sampled_from(["email", "card", "currency", "lower(email)", "domain(email)"]),
    )
    code = st.sampled_from(["home", "last_card"])
    number = st.deferred(lambda: number_leaf | number_node)
    condition = st.deferred(lambda: condition_leaf | condition_node)
    number_node = st.one_of(
        st.sampled_from("+ - * / // %".split()).flatmap(
            lambda op: st.tuples(number, number).map(_pair(op))
        ),
        number.map(lambda x: f"(-{x})"),
        number.map(lambda x: f"abs({x})"),
        st.tuples(st.sampled_from(["min", "max"]), number, number).map(
            lambda x: f"{x[0]}({x[1]}, {x[2]})"
        ),
        number.map(lambda x: f"round({x}, 2)"),
        st.tuples(st.sampled_from(["hour", "weekday"]), number, number_leaf).map(
            lambda x: f"{x[0]}({x[1]}, {x[2]})"
        ),
    )
    equal = st.sampled_from(["==", "!="])
    order = st.sampled_from("== != < <= > >=".split())
    member = st.sampled_from(["in", "not in"])
    condition_leaf = st.one_of(
        st.sampled_from(["is_vpn", "is_guest", "True", "False"]),
        st.tuples(number, order, number).map(" ".join).map("({})".format),
        st.tuples(number, order, number, order, number).map(" ".join).map("({})".format),
        st.tuples(text, equal, text).map(" ".join).map("({})".format),
        st.tuples(code | text, equal, code).map(" ".join).map("({})".format),
        st.tuples(code, equal, code | text).map(" ".join).map("({})".format),
        st.tuples(text | code, member, st.lists(small_texts, min_size=1).map(repr))
        .map(" ".join).map("({})".format),
        st.tuples(number, member, st.lists(numbers, min_size=1).map(repr))
        .map(" ".join).map("({})".format),
        st.tuples(text, member, st.sampled_from(["products", "watched", "domains"]))
        .map(" ".join).map("({})".format),
        st.tuples(st.sampled_from(["starts_with", "ends_with", "contains"]), text, text)
        .map(lambda x: f"{x[0]}({x[1]}, {x[2]})"),
        st.tuples(st.sampled_from(["known", "missing"]), number | text | code
                  | st.sampled_from(["is_vpn", "products"])).map(lambda x: f"{x[0]}({x[1]})"),
        st.sampled_from(["any_in(products, ['a', 'Ab'])", "any_in(products, watched)"]),
    )  # fmt: skip
    condition_node = st.one_of(
        st.tuples(condition, st.sampled_from(["and", "or"]), condition)
        .map(" ".join).map("({})".format),
        condition.map(lambda x: f"(not {x})"),
        st.tuples(condition, equal, condition).map(" ".join).map("({})".format),
        st.tuples(condition, equal, condition, equal, condition).map(" ".join).map("({})".format),
    )  # fmt: skip
    return number, condition


NUMBER, CONDITION = _expressions()


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or one that is missing."""
    return st.none() | strategy


worlds = st.builds(
    lambda fields, features, listed: World(fields, features, listed),
    st.fixed_dictionaries(
        {
            "id": st.just("e1"),
            "at_ms": st.integers(0, 2 * 10**12),
            "amount_minor": st.integers(0, 200),
            "currency": st.sampled_from(["EUR", "de"]),
            "amount_base": maybe(st.integers(0, 200)),
            "fill_ms": maybe(st.integers(-3, 3)),
            "quantity": maybe(st.integers(0, 3)),
            "email": maybe(small_texts),
            "card": maybe(small_texts),
            "is_vpn": maybe(st.booleans()),
            "is_guest": maybe(st.booleans()),
            "products": maybe(st.lists(small_texts).map(tuple)),
        }
    ),
    st.fixed_dictionaries(
        {
            "n1": maybe(st.sampled_from([0.0, 1.0, 2.5, 100.0, math.inf])),
            "n2": maybe(st.sampled_from([0.0, -1.0, 3.0, 1e300])),
            "home": maybe(small_texts),
            "last_card": maybe(small_texts),
        }
    ),
    st.frozensets(st.tuples(st.sampled_from(["watched", "domains"]), small_texts)),
)


def text_code(text: str) -> float:
    """A number for a text, as the features keep it."""
    return float(hash(text) & ((1 << 52) - 1))


def checked(text: str) -> Checked:
    """A condition or number over `SCOPE`."""
    return check(ast.parse(text, mode="eval").body, SCOPE, Source("t.kanhe", text))


def accepted(text: str) -> Checked:
    """The same for generated text; what is refused for its size or a plain zero is passed over."""
    try:
        return checked(text)
    except PolicyError as error:
        assume(not re.search("nested deeper|more than|by zero", error.message))
        raise


def compiled(expression: Checked) -> Callable[[World], Any]:
    """The generated code of an expression, as a function of a world."""
    text = python_of(expression, "e", "v", INDEX, required=REQUIRED, text_code=text_code)
    names: dict[str, Any] = {**RUNTIME, "__builtins__": {}, "text_code": text_code}
    exec(f"def run(e, v, listed, to_base):\n    return {text}\n", names)

    def run(world: World) -> Any:
        vector = [
            math.nan if (value := world.features[name]) is None
            else text_code(value) if isinstance(value, str)
            else value
            for name in INDEX
        ]  # fmt: skip
        # The generated text finds `to_base` in its namespace; here each world has its own rate.
        names["to_base"] = lambda amount, currency: world.fields["amount_base"]
        names["listed"] = lambda name, value: (name, value) in world.listed
        return names["run"](
            SimpleNamespace(**world.fields), vector, names["listed"], names["to_base"]
        )

    return run


def outcome(run: Callable[[], Any]) -> Any:
    """What a run gives, or the kind of error it raises."""
    try:
        return run()
    except (ZeroDivisionError, OverflowError) as error:
        return type(error)


@settings(max_examples=300, deadline=None)
@given(CONDITION, st.lists(worlds, min_size=3, max_size=3))
def test_condition_means_what_is_documented(text: str, seen: list[World]) -> None:
    """Generated code and the plain interpreter agree on every condition, errors included."""
    expression = accepted(text)
    run = compiled(expression)
    for world in seen:
        expected = outcome(lambda world=world: condition(expression.node, world))
        got = outcome(lambda world=world: run(world))
        assert (got if isinstance(got, type) else bool(got)) == expected


@settings(max_examples=200, deadline=None)
@given(NUMBER, worlds)
def test_number_means_what_is_documented(text: str, world: World) -> None:
    """Generated code and the plain interpreter agree on every number, NaN standing for missing."""
    expression = accepted(text)
    expected = outcome(lambda: evaluate(expression.node, world))
    got = outcome(lambda: compiled(expression)(world))
    if expected is None:
        assert got != got
    else:
        assert got == expected


EMPTY = World(
    dict.fromkeys(SCOPE.fields) | {"id": "e", "at_ms": 0, "amount_minor": 5, "currency": "EUR"},
    dict.fromkeys(INDEX),
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "n1 > 3", "n1 != 3", "n1 == n1", "fill_ms != 3", "fill_ms == fill_ms", "fill_ms <= 0",
        "email != 'a'", "email not in ['a']", "email not in watched", "email not in products",
        "'a' not in products", "home != last_card", "home != email", "is_vpn", "is_vpn == False",
        "is_vpn != True", "not starts_with(email, 'a') == True and is_vpn", "known(n1)",
        "known(email)", "n1 + 1 != 0", "len(email) == 0", "min(n1, 1) == 1", "amount_base != 1",
        "any_in(products, watched)", "0 <= n1 <= 1", "abs(fill_ms) >= 0", "n1 / 0.5 != 1",
    ],
)  # fmt: skip
def test_missing_is_false(text: str) -> None:
    """A comparison, membership or text test with a missing operand is false, whatever the operator."""
    assert not compiled(checked(text))(EMPTY)


@pytest.mark.parametrize(
    "text",
    ["not n1 > 3", "not email == 'a'", "missing(n1)", "missing(email)", "not is_vpn",
     "missing(n1 / n2)", "missing(email) and amount_minor == 5"],
)  # fmt: skip
def test_not_of_missing_is_true(text: str) -> None:
    """Logic has two values: `not` of a comparison that is false for a missing value is true."""
    assert compiled(checked(text))(EMPTY)


@pytest.mark.parametrize("text", ["1 / fill_ms > 0", "amount_minor % n2 > 0", "5 // quantity > 0"])
def test_division_by_zero_raises(text: str) -> None:
    """A division by a zero that is known raises, for the rule to report."""
    zero = World(EMPTY.fields | {"fill_ms": 0, "quantity": 0}, {**EMPTY.features, "n2": 0.0})
    with pytest.raises(ZeroDivisionError):
        compiled(checked(text))(zero)


def test_division_of_missing_by_zero_is_missing() -> None:
    """Missing wins over zero: the quotient is missing, and nothing raises."""
    zero = World(EMPTY.fields, {**EMPTY.features, "n2": 0.0})
    assert compiled(checked("missing(n1 / n2)"))(zero)


@pytest.mark.parametrize(
    "nest", ["abs({})", "n1 / ({})", "min({}, 1)", "-({})", "(fill_ms // ({}))"]
)
def test_deepest_number_still_compiles(nest: str) -> None:
    """What the check lets through never exceeds what Python's own compiler takes."""
    text = "quantity"
    for _ in range(MAX_DEPTH - 4):
        text = nest.format(text)
    compiled(checked(f"{text} > 0"))


def test_deepest_condition_still_compiles() -> None:
    """Nested truth values are no exception."""
    text = "is_vpn"
    for _ in range(MAX_DEPTH // 2 - 1):
        text = f"not ({text}) == is_guest"
    compiled(checked(text))


def test_condition_must_be_true_or_false() -> None:
    """A number is not a condition, and the error says what to do."""
    with pytest.raises(PolicyError, match="compare it"):
        check_condition(ast.parse("n1", mode="eval").body, SCOPE, Source("t.kanhe", "n1"))
