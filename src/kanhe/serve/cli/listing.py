"""`kanhe lists`: list entries on the command line. Changes are events, like those over HTTP.

The installation must not be in use; while a server runs, its `/v1/lists` does the same.
"""

from __future__ import annotations

import uuid
from getpass import getuser
from typing import Any

import msgspec

from kanhe.app import Kanhe
from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.core.time import duration_ms
from kanhe.serve.cli.serving import now_ms, opened
from kanhe.serve.cli.terminal import OK, REFUSED, complain, print_json, print_table, say, shown_time
from kanhe.serve.cli.wording import either, words

_SCOPES = frozenset({"lists"})


def show(settings: Settings, name: str | None, tenant: str, as_json: bool) -> None:
    """Name the lists, or show one tenant's own entries of one."""
    with opened(settings) as engine:
        if name is None:
            _show_names(engine, as_json)
            return
        _known(engine, name)
        entries = list(engine.lists().entries(name, tenant))
    if as_json:
        print_json([{"value": v, **msgspec.structs.asdict(entry)} for v, entry in entries])
    elif not entries:
        say(words("lists.empty", tenant=tenant, name=name))
    else:
        columns = [words(f"col.{c}") for c in ("value", "expires", "reason", "author", "added")]
        rows = [(value, _expiry(e.expires_ms), e.reason, e.author, shown_time(e.added_ms))
                for value, e in entries]  # fmt: skip
        print_table(columns, rows, title=name)


def add(
    settings: Settings,
    name: str,
    value: str,
    tenant: str,
    for_: str,
    note: str,
    staff: str,
    as_json: bool,
) -> None:
    """Add an entry; durable when told."""
    more: dict[str, Any] = {"note": note} if note else {}
    if for_:
        more["expires_ms"] = now_ms() + duration_ms(for_)
    with opened(settings) as engine:
        value = _fitting(engine, name, value)
        answer = _change(engine, "list.entry_added", name, value, tenant, staff, more)
    _told(answer, "lists.added", name, value, as_json)


def remove(
    settings: Settings, name: str, value: str, tenant: str, staff: str, as_json: bool
) -> int:
    """Remove an entry; returns 1 if it was not there."""
    with opened(settings) as engine:
        value = _fitting(engine, name, value)
        if not engine.lists().contains(name, tenant, value, now_ms()):
            return complain(words("lists.absent", name=name, value=value), REFUSED)
        answer = _change(engine, "list.entry_removed", name, value, tenant, staff, {})
    _told(answer, "lists.removed", name, value, as_json)
    return OK


def _change(
    engine: Kanhe, event_type: str, name: str, value: str, tenant: str, staff: str, more: Any
) -> bytes:
    event = {
        "id": uuid.uuid4().hex,
        "type": event_type,
        "at_ms": now_ms(),
        "list_name": name,
        "value": value,
        "staff": staff or f"shell:{getuser()}",
        **more,
    }
    pending = engine.record(tenant, msgspec.json.encode(event), _SCOPES)
    engine.commit()
    return pending.answer


def _told(answer: bytes, key: str, name: str, value: str, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.json.decode(answer))
    else:
        say(words(key, name=name, value=value))


def _known(engine: Kanhe, name: str) -> None:
    known = engine.lists().specs
    if name not in known:
        raise SettingsError(words("lists.unknown", name=name, known=", ".join(sorted(known))))


def _fitting(engine: Kanhe, name: str, value: str) -> str:
    """The value as events spell it; refused if no event could ever hold it."""
    _known(engine, name)
    spelled = engine.lists().spelled(name, value)
    if spelled is None:
        raise SettingsError(words("lists.no_address", name=name, value=value))
    return spelled


def _show_names(engine: Kanhe, as_json: bool) -> None:
    specs = list(engine.lists().specs.values())
    if as_json:
        print_json(specs)
        return
    columns = [words(f"col.{c}") for c in ("name", "holds", "kind", "meaning")]
    rows = [(s.name, s.holds, s.kind, either(s.en, s.zh)) for s in specs]
    print_table(columns, rows, whole=(0,))


def _expiry(expires_ms: int) -> str:
    return (
        words("lists.taken_out")
        if expires_ms < 0
        else shown_time(expires_ms)
        if expires_ms
        else "–"
    )
