"""Whatever stands in a policy file, reading it gives rules or a `PolicyError`, and runs nothing."""

from __future__ import annotations

import builtins
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.judge.language.source import (
    MAX_FILE_BYTES,
    MAX_MISTAKES,
    PolicyError,
    PolicyErrors,
    Source,
    parse_calls,
)
from tests.rules.samples import compiled, read, rule

MIB = 1 << 20
HOSTILE = {
    "dunder": "__import__('os').system('true')",
    "dunder_name": "__builtins__ == 1",
    "class_walk": "().__class__.__mro__[1].__subclasses__()",
    "globals": "known.__globals__",
    "eval": "eval('1')",
    "open": "open('/etc/passwd')",
    "text_method": "'{0.__class__}'.format(card) == ''",
    "f_text": "f'{card}' == ''",
    "lambda": "(lambda: 1)() == 1",
    "comprehension": "[x for x in products] == 1",
    "generator": "any_in((x for x in products), ['a'])",
    "walrus": "(e := 1) == 1",
    "generated_names": "_t1 == 1 and listed('a', 'b')",
    "generated_event": "e == 1 or v == 1",
    "await": "await card",
    "yield": "(yield 1)",
    "star": "min(*products) > 1",
    "double_star": "min(**products) > 1",
    "power": "9 ** 9 ** 9 > 1",
    "shift": "1 << 1000000000 > 1",
    "repeat_text": "'a' * 1000000000 == ''",
    "repeat_list": "card in ['a'] * 1000000000",
    "long_text": f"card == '{'a' * 5000}'",
    "surrogate": r"card == '\ud800'",
    "complex": "1j == 1",
    "bytes": "b'a' == card",
    "ellipsis": "... == 1",
    "huge_int": f"amount_base > {'9' * 10_000}",
    "huge_hex": f"amount_base > 0x{'f' * 10_000}",
    "deep_round": "(" * 10_000 + "is_vpn" + ")" * 10_000,
    "deep_not": "not " * 4_000 + "is_vpn",
    "deep_minus": "-" * 4_000 + "amount_base > 1",
    "long_sum": "1" + " + 1" * 2_400 + " > 1",
    "long_chain": "1" + " < 1" * 2_400,
    "long_call": "abs(" * 48 + "1" + ")" * 48 + " > 1" + " + 1" * 400,
    "nested_if": "1 if is_vpn else " * 1_000 + "2",
    "nested_lambda": "lambda: " * 1_000 + "1",
    "open_brackets": "(" * (MIB // 2),
    "closing_brackets": ")" * (MIB // 2),
    "open_braces": "{" * (MIB // 2),
    "open_quote": "'" + "a" * (MIB // 2),
    "backslashes": "'" + "\\" * (MIB // 2),
    "nul": "\0",
    "line_separator": "card == 'a\u2028b'",
    "form_feed": "\fis_vpn",
    "nothing": "",
    "only_spaces": " " * (MIB // 2),
    "dots": "." * (MIB // 2),
    "digits": "1" * (MIB // 2),
    "names": "a" * (MIB // 2),
    "commas": "," * (MIB // 2),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_condition_is_refused(case: str) -> None:
    """Every hostile condition is refused as a mistake of policy text, soon, and names its file."""
    begun = time.process_time()
    with pytest.raises((PolicyError, PolicyErrors)) as caught:
        compiled(rule(HOSTILE[case]))
    assert str(caught.value).startswith("rules/payments.kanhe:")
    assert len(str(caught.value)) < 5_000
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("text", ["(" * MIB, ")" * MIB, "[" * MIB, "-" * MIB, "a." * (MIB // 2)])
def test_a_mebibyte_of_marks_is_refused(text: str) -> None:
    """A file full of brackets is a mistake, never an exhausted stack or memory."""
    with pytest.raises((PolicyError, PolicyErrors)):
        read(text)


def test_larger_file_is_refused() -> None:
    """A file above the limit is refused before anything looks at it."""
    with pytest.raises(PolicyError, match="larger than"):
        read("#" * (MAX_FILE_BYTES + 1))


def test_nothing_is_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading policy text never reaches Python's own `eval`, `exec` or `__import__` with it."""
    reached: list[object] = []
    for name in ("eval", "exec", "__import__"):
        monkeypatch.setattr(builtins, name, lambda *given, **_: reached.append(given))
    errors = []
    for condition in ("eval('1')", "exec('1')", "__import__('os')"):
        try:
            read(rule(condition))
        except (PolicyError, PolicyErrors) as error:
            errors.append(error)
    monkeypatch.undo()
    assert len(errors) == 3
    assert not reached


def test_generated_code_reaches_no_builtins() -> None:
    """The functions made from rules see the names of the language and nothing else."""
    rules = compiled(rule("is_vpn") + rule("card_declines_10m > 1", name="screened"))
    of_type = rules._types["payment.attempted"]
    for function in (of_type.shared, of_type.single[1]):
        assert function.__globals__["__builtins__"] == {"Exception": Exception}


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """Broken UTF-8 is told with its line."""
    with pytest.raises(PolicyError, match="a:2:1: byte 3 is not UTF-8"):
        Source.decode("a", b"ab\n\xff")


def test_byte_order_mark_is_dropped() -> None:
    """Editors that write a byte order mark do no harm."""
    assert parse_calls(Source.decode("a", b"\xef\xbb\xbfrule()"))[0].function == "rule"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_are_counted_whatever_ends_them(ending: str) -> None:
    """The place of a mistake is the same with the line ends of every system."""
    with pytest.raises(PolicyErrors, match="a:3:1: "):
        parse_calls(Source("a", f"rule(){ending}# note{ending}import os"))


def test_reading_stops_after_many_mistakes() -> None:
    """A file that is wrong throughout gives a bounded answer."""
    with pytest.raises(PolicyErrors) as caught:
        read("".join(rule(f"unknown_{n} > 1", name=f"r{n}") for n in range(2 * MAX_MISTAKES)))
    assert len(caught.value.errors) == MAX_MISTAKES


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Arbitrary text in the place of a condition, or of a file, raises nothing but policy errors."""
    for whole in (text, rule(text)):
        try:
            compiled(whole)
        except (PolicyError, PolicyErrors) as error:
            assert str(error)


WORDS = (
    "card amount_base is_vpn products n1 user_country stolen_cards and or not in < == != + - / % ( ) "
    "[ ] , . : 'a' 1 0.5 True None known missing min len lambda if else for ** := { } * @ is"
).split()


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_any_order_of_words_is_read_or_refused(text: str) -> None:
    """The same for texts that look almost like conditions, which get deeper into the reader."""
    try:
        compiled(rule(text))
    except (PolicyError, PolicyErrors) as error:
        assert str(error)
