"""Valid events of any type, drawn at random, and the ways JSON can spell them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from kanhe.core.countries import COUNTRIES
from kanhe.core.currencies import EXPONENT
from kanhe.judge.intake.card_numbers import is_card_number
from kanhe.judge.intake.declarations import FieldSpec
from kanhe.judge.intake.registry import Registry, builtin

NOW_MS = 1_767_226_260_000
"""The time at which events of these tests are received."""
SCOPES = frozenset({"lists", "step_up"})

_PRINTABLE = st.characters(codec="utf-8").filter(str.isprintable)
_LINE = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))
_ADDRESS = st.ip_addresses().map(str)


def values(spec: FieldSpec) -> st.SearchStrategy[Any]:
    """Values the field accepts."""
    if spec.name == "at_ms":
        return st.integers(spec.least, NOW_MS)
    if spec.name == "ip":
        return _ADDRESS.filter(lambda text: not text.startswith("::ffff:"))
    if spec.name == "email":
        return st.tuples(st.text(_PRINTABLE, min_size=1, max_size=9)).map(
            lambda parts: parts[0].replace("@", "a") + "@example.com"
        )
    ids = st.text(_PRINTABLE, min_size=1, max_size=12).filter(lambda t: not is_card_number(t))
    match spec.kind:
        case "id":
            return ids
        case "text" | "prose":
            return st.text(_LINE, min_size=1, max_size=20)
        case "ids":
            return st.lists(ids, max_size=3)
        case "int" | "money" | "time":
            return st.integers(spec.least, spec.greatest)
        case "degrees":
            return st.floats(spec.least, spec.greatest)
        case "bool":
            return st.booleans()
        case "choice":
            return st.sampled_from(spec.choices)
        case "country":
            return st.sampled_from(sorted(COUNTRIES))
        case "currency":
            return st.sampled_from(sorted(EXPONENT))


@st.composite
def valid_events(draw: st.DrawFn, registry: Registry | None = None) -> dict[str, Any]:
    """A whole valid event of any type, its members in any order."""
    registry = registry or builtin()
    name = draw(st.sampled_from(sorted(registry.types)))
    specs = registry.fields_of(name)
    optional = [field for field in specs if field not in registry.required_of(name)]
    chosen = {*registry.required_of(name), *draw(st.sets(st.sampled_from(optional), max_size=8))}
    if any(specs[field].kind == "money" for field in chosen):
        chosen.add("currency")
    entities = registry.types[name].entities
    if not chosen & set(entities):
        chosen.add(draw(st.sampled_from(entities)))
    event = {field: draw(values(specs[field])) for field in sorted(chosen)}
    return dict(draw(st.permutations([("type", name), *event.items()])))


@st.composite
def spelled(draw: st.DrawFn, event: dict[str, Any]) -> bytes:
    """The event as JSON, with or without spaces, escapes and line breaks."""
    text = json.dumps(
        event,
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", "\r\n:\n")])),
        indent=draw(st.sampled_from([None, None, 2])),
    )
    return draw(st.sampled_from(["", "\n", " \t"])).encode() + text.encode()


def escaped(text: str) -> str:
    """The text in quotes, every character escaped by its number."""
    units = text.encode("utf-16-be")
    return (
        '"' + "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)) + '"'
    )
