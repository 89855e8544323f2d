"""The composition root: settings in, adapters picked, everything wired. Nothing else builds anything.

`installation` opens the path of an event, `ledger` the log behind it, `auditing` holds both against
each other, `upkeep` is what is due beside the events.
"""

from __future__ import annotations

from kanhe.app.auditing import audit_log
from kanhe.app.installation import (
    ApiKeys,
    Checkup,
    Kanhe,
    Pending,
    Refusal,
    Stats,
    kanhe_in_memory,
    look_over_journal,
    open_history,
    open_kanhe,
    open_keys,
    open_shop_table,
)
from kanhe.app.ledger import (
    Ledger,
    add_log_key,
    ask_to_erase,
    erasure_is_open,
    find_person,
    last_row,
    open_rows,
    open_sequencer,
    retire_log_key,
)
from kanhe.stores.files.lock import FolderInUse

__all__ = [
    "ApiKeys",
    "Checkup",
    "FolderInUse",
    "Kanhe",
    "Ledger",
    "Pending",
    "Refusal",
    "Stats",
    "add_log_key",
    "ask_to_erase",
    "audit_log",
    "erasure_is_open",
    "find_person",
    "kanhe_in_memory",
    "last_row",
    "look_over_journal",
    "open_history",
    "open_kanhe",
    "open_keys",
    "open_rows",
    "open_sequencer",
    "open_shop_table",
    "retire_log_key",
]  # fmt: skip
