"""`kanhe events`: the event types that are accepted, those of the shop's own pack included."""

from __future__ import annotations

import difflib

import msgspec

from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import load_pack
from kanhe.serve.cli.packs import folder_of
from kanhe.serve.cli.terminal import print_json, print_table, say
from kanhe.serve.cli.wording import either, words


def show_all(settings: Settings, as_json: bool) -> None:
    """List the event types with what each needs."""
    registry = load_pack(folder_of(settings, None)).registry
    if as_json:
        print_json(list(registry.types.values()))
        return
    columns = [words(f"col.{c}") for c in ("type", "meaning", "needed")]
    rows = [(t.name, either(t.en, t.zh), " ".join(t.requires)) for t in registry.types.values()]
    print_table(columns, rows, whole=(0,))


def show_one(settings: Settings, name: str, as_json: bool) -> None:
    """Show one event type, its fields and an example."""
    registry = load_pack(folder_of(settings, None)).registry
    found = registry.types.get(name)
    if found is None:
        close = difflib.get_close_matches(name, list(registry.types), n=1)
        hint = f" ({close[0]}?)" if close else ""
        raise SettingsError(words("events.unknown", name=name, hint=hint))
    fields = registry.fields_of(name)
    if as_json:
        print_json({"type": found, "fields": fields})
        return
    say(f"{found.name}: {either(found.en, found.zh)}")
    needed = {"id", "at_ms", *found.requires}
    rows = [
        (f.name, words("need.required" if f.name in needed else "need.optional"), f.kind, f.unit,
         either(f.en, f.zh) + (f" ({', '.join(f.choices)})" if f.choices else ""))
        for f in fields.values()
    ]  # fmt: skip
    print_table(
        [words(f"col.{c}") for c in ("field", "need", "kind", "unit", "meaning")], rows, whole=(0,)
    )
    example = msgspec.json.format(msgspec.json.encode(found.example), indent=2).decode()
    say(f"{words('events.example')}:\n{example}")
