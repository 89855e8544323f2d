"""Turning an event into what the kernel takes: numbers, condition bits and texts.

One small function per event type is generated from the program, so that the live path touches only
the fields that the declarations use.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping
from typing import Any

from kanhe.core.event import Event
from kanhe.core.money import Rates
from kanhe.judge.features import layout as at
from kanhe.judge.features.program import FRAUD_VERDICT, Program, TypePlan
from kanhe.judge.language.codegen import RUNTIME, python_of
from kanhe.judge.language.scope import AMOUNT_BASE

Encoder = Callable[[Event, int, memoryview, int], tuple[str, ...]]
"""Writes the numbers of an event into the inputs (bytes) from an offset on, and returns its texts.

The second argument is the tenant's salt. A text that was left out is empty.
"""


def encoders(
    program: Program, required: Mapping[str, Collection[str]], rates: Rates
) -> dict[str, Encoder]:
    """Generate the encoder of every event type."""
    return {
        name: _generate(name, plan, frozenset(required[name]), rates)
        for name, plan in program.plans.items()
    }


def _generate(name: str, plan: TypePlan, required: frozenset[str], rates: Rates) -> Encoder:
    """Write and compile the function of one type. All names in it come from checked declarations."""
    numbers = [_number(field, required) for field in plan.values]
    subject = (
        f"({at.MISSING} if e.subject_at_ms is None else e.subject_at_ms)"
        if plan.labels_fraud >= 0
        else str(at.MISSING)
    )
    packer = struct.Struct(f"{at.X_VALUES + len(numbers)}q")
    conditions = _conditions(plan, required)
    lines = _bits(conditions)
    packed = ", ".join(["e.at_ms", "tenant", "bits", subject, str(plan.kind), *numbers])
    source = "\n".join(
        [
            *(f"def condition_{bit}(e): return {text}" for bit, text in enumerate(conditions)),
            "def encode(e, tenant, inputs, offset):",
            *lines,
            f"    pack(inputs, offset, {packed})",
            f"    return ({_texts(plan.texts, required)})",
        ]
    )
    names: dict[str, Any] = {
        **RUNTIME,
        "to_base": rates.to_base,
        "pack": packer.pack_into,
        "in_base": _in_base(rates),
        "micro": _micro,
    }
    names["one_by_one"] = _one_by_one(names, len(conditions))
    exec(compile(source, f"<encoder of {name}>", "exec"), names)
    encode: Encoder = names["encode"]
    return encode


def _number(field: str, required: frozenset[str]) -> str:
    """How one number is written: a field left out becomes MISSING."""
    if field == AMOUNT_BASE:
        return "in_base(e.amount_minor, e.currency)"
    if field in {"lat", "lon"}:
        return f"micro(e.{field})"
    if field in required:
        return f"e.{field}"
    return f"({at.MISSING} if e.{field} is None else e.{field})"


def _texts(texts: tuple[str, ...], required: frozenset[str]) -> str:
    """The texts of the event; one left out is empty."""
    return "".join(f"e.{t}, " if t in required else f'e.{t} or "", ' for t in texts)


def _conditions(plan: TypePlan, required: frozenset[str]) -> list[str]:
    """The expression behind each condition bit."""
    return [
        " and ".join(f"({python_of(c.checked, required=required)})" for c in conditions)
        if conditions
        else f"e.verdict == {FRAUD_VERDICT!r}"
        for conditions in plan.conditions
    ]


def _bits(conditions: list[str]) -> list[str]:
    """The lines that compute all condition bits at once, and fall back to the slow way."""
    terms = [f"({1 << bit} if {text} else 0)" for bit, text in enumerate(conditions)]
    if not terms:
        return ["    bits = 0"]
    return [
        "    try:",
        f"        bits = {' | '.join(terms)}",
        "    except ArithmeticError:",
        "        bits = one_by_one(e)",
    ]


def _one_by_one(names: Mapping[str, Any], count: int) -> Callable[[Event], int]:
    """The slow way to the bits: a condition that cannot be computed is false, the others stand."""

    def bits(event: Event) -> int:
        total = 0
        for bit in range(count):
            try:
                total |= bool(names[f"condition_{bit}"](event)) << bit
            except ArithmeticError:
                continue
        return total

    return bits


def _in_base(rates: Rates) -> Callable[[int | None, str | None], int]:
    """A conversion of amounts in which what is unknown or out of bounds is missing."""
    to_base, base = rates.to_base, rates.base

    def in_base(amount_minor: int | None, currency: str | None) -> int:
        value = amount_minor if currency == base else to_base(amount_minor, currency)
        if value is None or not -at.VALUE_MAX <= value <= at.VALUE_MAX:
            return at.MISSING
        return value

    return in_base


def _micro(degrees: float | None) -> int:
    """Degrees as whole millionths."""
    return at.MISSING if degrees is None else round(degrees * 1e6)
