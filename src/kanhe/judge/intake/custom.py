"""A shop's own fields and event types, declared in its policy pack (`events.kanhe`).

    field("loyalty_tier", kind="choice", choices=["silver", "gold"], en="…", zh="…")
    event("shop.gift_sent", requires=["user", "recipient"], may=["loyalty_tier"], en="…", zh="…",
          example={"user": "u-1", "recipient": "u-2"})
    extend("order.placed", may=["loyalty_tier"])

The order of declarations does not matter. The text is parsed, never executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from kanhe.judge.intake.declarations import FIELD_KINDS, EventType, FieldSpec
from kanhe.judge.intake.exact import mistakes
from kanhe.judge.intake.registry import Registry, RegistryError
from kanhe.judge.language.literals import (
    bool_of,
    choice_of,
    int_of,
    mapping_of,
    text_of,
    texts_of,
)
from kanhe.judge.language.source import Declaration, Mistakes, Source, parse_calls, suggestion

EVENTS_FILE = "events.kanhe"
"""What the file is called in a policy pack."""
_EXAMPLE_AT_MS = 1_767_225_600_000
_STEPS = ("field", "event", "extend")


def read_custom(source: Source, registry: Registry) -> Registry:
    """The registry with the declarations of `events.kanhe` added.

    An example may leave out `id`, `type` and `at_ms`; otherwise it must be a valid event. Raises
    `PolicyErrors` with every mistake found, in the order of the text.
    """
    gathered = Mistakes()
    declared = parse_calls(source)
    for declaration in declared:
        with gathered.gathered():
            _check_form(declaration)
    # Fields first, then the types that use them, then additions to either.
    readers: dict[str, Callable[[Declaration, Registry], Registry]] = {
        "field": _with_field,
        "event": _with_event,
        "extend": _with_addition,
    }
    for step in _STEPS:
        for declaration in declared:
            if declaration.function == step and declaration.name is None:
                with gathered.gathered():
                    registry = readers[step](declaration, registry)
    gathered.found.sort(key=lambda error: (error.line, error.column))
    gathered.raise_any()
    return registry


def _check_form(declaration: Declaration) -> None:
    if declaration.name is not None:
        raise declaration.error(
            "fields and events take their name in quotes", f'write {declaration.function}("…", …)'
        )
    if declaration.function not in _STEPS:
        raise declaration.error(
            f"unknown declaration {declaration.function}",
            suggestion(declaration.function, _STEPS) or "this file knows field, event and extend",
        )


def _with_field(declaration: Declaration, registry: Registry) -> Registry:
    source = declaration.source
    given = declaration.bind(
        ("name",),
        required=("kind", "en", "zh"),
        optional=("unit", "choices", "minimum", "maximum"),
    )
    spec = FieldSpec(
        text_of(source, given["name"], most=64),
        choice_of(source, given["kind"], FIELD_KINDS, "kind"),  # type: ignore[arg-type]  # checked
        _optional_text(source, given.get("unit")),
        text_of(source, given["en"]),
        text_of(source, given["zh"]),
        _texts(source, given.get("choices")),
        _number(source, given.get("minimum")),
        _number(source, given.get("maximum")),
    )
    return _extended(declaration, given["name"], lambda: registry.extended(fields=[spec]))


def _with_event(declaration: Declaration, registry: Registry) -> Registry:
    source = declaration.source
    given = declaration.bind(
        ("name",),
        required=("en", "zh", "example"),
        optional=("requires", "may", "anonymous"),
    )
    name = text_of(source, given["name"], most=80)
    made = EventType(
        name,
        _texts(source, given.get("requires")),
        _texts(source, given.get("may")),
        text_of(source, given["en"]),
        text_of(source, given["zh"]),
        {
            "id": f"ex-{name}",
            "type": name,
            "at_ms": _EXAMPLE_AT_MS,
            **mapping_of(source, given["example"]),
        },
        anonymous="anonymous" in given and bool_of(source, given["anonymous"]),
    )
    extended = _extended(declaration, given["name"], lambda: registry.extended(types=[made]))
    _check_example(source, given["example"], extended, made)
    return extended


def _with_addition(declaration: Declaration, registry: Registry) -> Registry:
    source = declaration.source
    given = declaration.bind(("name",), required=("may",))
    name = choice_of(source, given["name"], registry.types, "event type")
    more = {name: texts_of(source, given["may"])}
    return _extended(declaration, given["may"], lambda: registry.extended(additions=more))


def _extended(declaration: Declaration, node: ast.expr, extend: Callable[[], Registry]) -> Registry:
    """Let a mistake the registry finds point at the text it is in."""
    try:
        return extend()
    except RegistryError as error:
        raise declaration.source.error(node, str(error)) from None


def _check_example(
    source: Source, node: ast.expr, registry: Registry, event_type: EventType
) -> None:
    if event_type.example["type"] != event_type.name:
        raise source.error(node, f"the example is of another type; leave out {'type'!r}")
    for _, problem in mistakes(registry, event_type.name, event_type.example, None):
        got = f", got {problem.got}" if problem.got else ""
        where = f"{problem.field}: " if problem.field else ""
        raise source.error(
            node, f"the example is not valid: {where}expected {problem.expected}{got}"
        )


def _optional_text(source: Source, node: ast.expr | None) -> str:
    return "" if node is None else text_of(source, node)


def _texts(source: Source, node: ast.expr | None) -> tuple[str, ...]:
    """Names in a list; none if left out or empty."""
    if node is None or (isinstance(node, ast.List | ast.Tuple) and not node.elts):
        return ()
    return texts_of(source, node)


def _number(source: Source, node: ast.expr | None) -> int | None:
    return None if node is None else int_of(source, node)
