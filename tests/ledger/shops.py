"""A small installation with a log, in this process: events of several kinds, folded and audited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kanhe.app import Kanhe, audit_log, open_sequencer
from kanhe.core.settings import Settings
from kanhe.record.log.audit import Audited
from tests.flow.packs import NOW_MS, START_MS, opened, payment, settings

SCOPES = frozenset({"lists"})


def send(kanhe: Kanhe, *events: bytes, tenant: str = "shop", record: bool = False) -> list[bytes]:
    """Judge (or record) events one after the other, durable when it returns; gives the answers."""
    take = kanhe.record if record else kanhe.judge
    answers = [take(tenant, event, SCOPES).answer for event in events]
    kanhe.commit()
    return answers


def event(event_id: str, type_: str, second: float = 0, **fields: Any) -> bytes:
    """An event of any type."""
    return json.dumps(
        {"id": event_id, "type": type_, "at_ms": START_MS + round(second * 1000), **fields}
    ).encode()


def fold(at: Settings) -> int:
    """Fold all there is; gives the size of the log."""
    with open_sequencer(at) as sequencer:
        while sequencer.fold() is not None:
            pass
        return sequencer.size


def audited(at: Settings) -> Audited:
    """Audit against the keys that lie beside the log."""
    return audit_log(at, (), lambda done, total: None)


def shop(tmp_path: Path, payments: int = 60) -> Settings:
    """An installation with alerts, list entries, recorded events, two tenants, a note and a log that
    was folded in several steps; everything is closed."""
    at = settings(tmp_path)
    for begin in range(0, payments, 20):
        with opened(tmp_path) as kanhe:
            kanhe.tend()
            for n in range(begin, min(begin + 20, payments)):
                more: dict[str, Any] = {"card": f"c{n % 4}", "user": f"u{n % 9}"}
                send(kanhe, payment(f"e{n}", n, **more))
            send(kanhe, payment(f"o{begin}", begin), tenant="other")
            send(
                kanhe, event(f"l{begin}", "account.login", begin, user="u1", ip="203.0.113.7"),
                event(f"a{begin}", "list.entry_added", begin, list_name="stolen_cards",
                      value=f"c{begin}", staff="ana"),
                record=True,
            )  # fmt: skip
        fold(at)
    with opened(tmp_path) as kanhe:
        kanhe.tend()
    fold(at)
    return at


__all__ = ["NOW_MS", "audited", "event", "fold", "opened", "payment", "send", "settings", "shop"]
