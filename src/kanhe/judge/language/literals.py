"""Reading plain values out of policy text; each reader raises `PolicyError` at the node."""

from __future__ import annotations

import ast
from collections.abc import Collection

from kanhe.core.time import DurationError, duration_ms
from kanhe.judge.language.source import Source, suggestion

MAX_INT = 10**15
"""Whole numbers in policy text stay below this, so that arithmetic on them stays exact."""

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]
"""A value as JSON knows it."""


def text_of(source: Source, node: ast.expr, *, most: int = 1_000, empty: bool = True) -> str:
    """Read a text of at most `most` characters."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        raise source.error(node, "expected a text in quotes", f'for example "{_example(node)}"')
    if len(node.value) > most:
        raise source.error(node, f"this text is longer than {most} characters")
    if not empty and not node.value.strip():
        raise source.error(node, "this text is empty")
    if any(0xD800 <= ord(char) <= 0xDFFF or char == "\0" for char in node.value):
        raise source.error(node, "this text holds a character that cannot be stored")
    return node.value


def texts_of(source: Source, node: ast.expr, *, most: int = 1_000) -> tuple[str, ...]:
    """Read one text, or a list or tuple of texts, as a tuple; nothing may stand in it twice."""
    if not isinstance(node, ast.List | ast.Tuple):
        return (text_of(source, node, empty=False),)
    if not node.elts:
        raise source.error(node, "this list is empty")
    if len(node.elts) > most:
        raise source.error(node, f"this list is longer than {most}")
    found: dict[str, None] = {}
    for element in node.elts:
        text = text_of(source, element, empty=False)
        if text in found:
            raise source.error(element, f"{text} stands twice in this list")
        found[text] = None
    return tuple(found)


def duration_of(source: Source, node: ast.expr, *, least_ms: int = 0, most_ms: int = 0) -> int:
    """Read a duration such as "10m" as milliseconds, within the bounds (0: no bound)."""
    text = text_of(source, node)
    try:
        value = duration_ms(text)
    except DurationError:
        raise source.error(
            node, f"{text[:40]!r} is not a duration", "write 90s, 10m, 24h or 7d"
        ) from None
    if value < least_ms:
        raise source.error(node, f"{text} is too short; the least is {in_words(least_ms)}")
    if most_ms and value > most_ms:
        raise source.error(node, f"{text} is too long; the most is {in_words(most_ms)}")
    return value


def int_of(source: Source, node: ast.expr, *, least: int = -MAX_INT, most: int = MAX_INT) -> int:
    """Read a whole number from `least` to `most`, both included."""
    value = number_of(source, node)
    if not isinstance(value, int):
        raise source.error(node, "expected a whole number")
    if not least <= value <= most:
        raise source.error(node, f"expected a whole number from {least} to {most}")
    return value


def number_of(source: Source, node: ast.expr) -> int | float:
    """Read a number, with or without a minus; it must be finite and within ±10**15."""
    sign, inner = 1, node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, inner = -1, node.operand
    value = inner.value if isinstance(inner, ast.Constant) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise source.error(node, "expected a number")
    if not abs(value) <= MAX_INT:
        raise source.error(node, "this number is too large", "numbers end at 10**15")
    return sign * value


def bool_of(source: Source, node: ast.expr) -> bool:
    """Read True or False."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    raise source.error(node, "expected True or False")


def choice_of(source: Source, node: ast.expr, choices: Collection[str], what: str) -> str:
    """Read a text that is one of the choices; `what` names the thing in the error."""
    text = text_of(source, node)
    if text not in choices:
        hint = suggestion(text, choices) or f"choose from {', '.join(sorted(choices))}"
        raise source.error(node, f"unknown {what} {text[:80]}", hint)
    return text


def name_of(source: Source, node: ast.expr, what: str = "name") -> str:
    """Read a bare name such as `card`."""
    if isinstance(node, ast.Name):
        return node.id
    raise source.error(node, f"expected a {what} without quotes")


def plain_of(source: Source, node: ast.expr) -> Plain:
    """Read a literal as JSON knows it: texts, numbers, True, False, None, lists and dicts."""
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool)):
        return node.value
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return text_of(source, node, most=10_000)
    if isinstance(node, ast.List | ast.Tuple):
        return [plain_of(source, element) for element in node.elts]
    if isinstance(node, ast.Dict):
        return mapping_of(source, node)
    if isinstance(node, ast.Constant | ast.UnaryOp):
        return number_of(source, node)
    raise source.error(node, "expected a plain value", "write a text, number, list or dict")


def mapping_of(source: Source, node: ast.expr) -> dict[str, Plain]:
    """Read a dict literal whose keys are texts, none of them twice."""
    if not isinstance(node, ast.Dict):
        raise source.error(node, 'expected {"name": value, …}')
    found: dict[str, Plain] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            raise source.error(value, "** is not part of the language")
        name = text_of(source, key)
        if name in found:
            raise source.error(key, f"{name} stands twice in this dict")
        found[name] = plain_of(source, value)
    return found


def in_words(value_ms: int) -> str:
    """A duration in the largest unit that divides it: 600000 is `10m`."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if value_ms % size == 0:
            return f"{value_ms // size}{unit}"
    return f"{value_ms}ms"


def _example(node: ast.expr) -> str:
    """What the text might have been: a bare name or number in quotes."""
    if isinstance(node, ast.Name):
        return node.id[:40]
    return str(node.value)[:40] if isinstance(node, ast.Constant) else "…"
