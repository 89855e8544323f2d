"""The classes of `kanhe.client.events`, written from the registry.

The client of a shop stands alone, so what it knows of events is not imported but written down:
one module of fields, one module for each first word of the types' names, one that names them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kanhe.judge.intake.declarations import IDS_MAX, EventType, FieldSpec
from kanhe.judge.intake.registry import Registry

_MADE = "# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.\n"
_OFF = "# fmt: off\n"


def client_modules(registry: Registry) -> Mapping[str, str]:
    """The modules of `kanhe/client/events/`, file name to text."""
    groups: dict[str, list[EventType]] = {}
    for name, made in registry.types.items():
        groups.setdefault(name.partition(".")[0], []).append(made)
    modules = {f"{word}.py": _module(registry, word, types) for word, types in groups.items()}
    return {
        "__init__.py": _package(registry, groups),
        "fields.py": _fields(registry),
        **modules,
    }


def class_name(name: str) -> str:
    """`account.login_failed` is `AccountLoginFailed`."""
    return "".join(part.capitalize() for part in re.split(r"[._]", name))


def _package(registry: Registry, groups: Mapping[str, list[EventType]]) -> str:
    names = {
        word: sorted(class_name(made.name) for made in types) for word, types in groups.items()
    }
    listed = sorted(
        {"Event", "KnownEvent", *(name for inside in names.values() for name in inside)}
    )
    return "\n".join(
        [
            '"""Every type of event there is, as a class; `Event` is for a shop\'s own."""\n',
            _MADE + _OFF + "from __future__ import annotations\n",
            "from kanhe.client.event import Event, KnownEvent",
            *(_import(word, inside) for word, inside in sorted(names.items())),
            "",
            "__all__ = [",
            *(f'    "{name}",' for name in listed),
            "]",
            "",
            "BY_TYPE: dict[str, type[KnownEvent]] = {",
            *(f'    "{name}": {class_name(name)},' for name in registry.types),
            "}",
            '"""The class of each type, by its name."""',
            "",
        ]
    )


def _import(word: str, names: list[str]) -> str:
    head = f"from kanhe.client.events.{word} import"
    if len(names) == 1:
        return f"{head} {names[0]}"
    return "\n".join([f"{head} (", *(f"    {name}," for name in names), ")"])


def _fields(registry: Registry) -> str:
    lines = [
        '"""What each field means and takes: the same name means the same in every event."""\n',
        _MADE + _OFF + "from __future__ import annotations\n",
        "from collections.abc import Sequence",
        "from typing import Annotated, Literal\n",
        "from msgspec import Meta",
    ]
    for name, spec in registry.fields.items():
        if name not in ("id", "at_ms"):
            lines += ["", f"{class_name(name)} = {_annotation(spec)}", _text(_meaning(spec))]
    return "\n".join([*lines, ""])


def _module(registry: Registry, word: str, types: list[EventType]) -> str:
    classes = [_class(registry, made) for made in types]
    return "\n".join(
        [
            f'"""Events `{word}.…`."""\n',
            _MADE + _OFF,  # annotations are values here, because texts take msgspec long to read
            "from kanhe.client.event import KnownEvent",
            "from kanhe.client.events import fields",
            *classes,
            "",
        ]
    )


def _class(registry: Registry, made: EventType) -> str:
    lines = [
        "",
        "",
        f'class {class_name(made.name)}(KnownEvent, kw_only=True, frozen=True, tag="{made.name}"):',
        "    " + _text(_promise(made), indent="    "),
        "",
    ]
    for name in registry.fields_of(made.name):
        if name in ("id", "at_ms"):
            continue
        kind = f"fields.{class_name(name)}"
        lines.append(f"    {name}: {kind}" + ("" if name in made.requires else " | None = None"))
    return "\n".join(lines)


def _promise(made: EventType) -> str:
    said = f"{made.en}\n\n{made.zh}"
    if not made.anonymous and not any(name in made.requires for name in made.entities):
        said += "\n\nAt least one entity is named. 至少填写一个实体。"
    if made.restricted:
        said += f"\n\nThe key needs the scope `{made.restricted}`. 密钥须具有 `{made.restricted}` 权限。"
    return said


def _meaning(spec: FieldSpec) -> str:
    unit = f" In {spec.unit}." if spec.unit else ""
    return f"{spec.en}{unit} {spec.zh}"


def _text(said: str, indent: str = "") -> str:
    """A docstring of these words."""
    escaped = said.replace("\\", "\\\\").replace('"""', r"\"\"\"")
    first, *more = escaped.split("\n")
    if not more:
        return f'"""{first}"""'
    rest = "\n".join(f"{indent}{line}".rstrip() for line in more)
    return f'"""{first}\n{rest}\n{indent}"""'


def _annotation(spec: FieldSpec) -> str:
    """The type msgspec checks a field by, as Python text."""
    match spec.kind:
        case "id" | "text" | "prose":
            return f"Annotated[str, Meta(min_length=1, max_length={spec.longest})]"
        case "ids":
            one = f"Annotated[str, Meta(min_length=1, max_length={spec.longest})]"
            return f"Annotated[Sequence[{one}], Meta(max_length={IDS_MAX})]"
        case "int" | "money" | "time":
            return f"Annotated[int, Meta(ge={spec.least}, le={spec.greatest})]"
        case "degrees":
            return f"Annotated[float, Meta(ge={spec.least}, le={spec.greatest})]"
        case "bool":
            return "bool"
        case "choice":
            return f"Literal[{', '.join(map(_quoted, spec.choices))}]"
        case "country":
            return 'Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]'
        case "currency":
            return 'Annotated[str, Meta(pattern="^[A-Z]{3}$", max_length=3)]'


def _quoted(choice: str) -> str:
    return f'"{choice}"'
