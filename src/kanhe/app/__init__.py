"""The composition root: settings in, adapters picked, everything wired. Nothing else builds anything.

- `opening`: an installation and what lies beside it, from settings.
- `installation`: the path of an event with all that surrounds it.
- `learning`: training sets; `drifting`, `drift_files`: what has drifted from its baseline.
- `ledger`: the log behind it, for the sequencer and for readers.
- `resting`: the life of policy packs where nobody judges; `policies`: their steps; `succession`,
  `changeover`, `sharing`: bringing packs into the process that judges; `shadowing`: beside it.
- `auditing`: log and journal, held against each other.
- `desk_door`, `judge_link`: how console and judging process speak with each other.
- `upkeep`: what is due beside the events; `erasing`: asking for somebody to be erased.
- `hooks`: sources of notices, and receiving from them.
- `pasts`: events of before, of an installation or of files; `reading`: those files.

What is taken from here is loaded when it is asked for: to check a receipt, or to fold rows into the
log, nobody should wait for the judging to be loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanhe.app.auditing import audit_log
    from kanhe.app.desk_door import OpenDoor
    from kanhe.app.drift_files import has_baseline
    from kanhe.app.erasing import ask_to_erase, erasure_is_open, find_person, forget_buyer
    from kanhe.app.hooks import HookDesk, open_receivers, read_mappings
    from kanhe.app.installation import Kanhe, Stats
    from kanhe.app.learning import build_dataset, build_dataset_of_files
    from kanhe.app.ledger import (
        Ledger,
        add_log_key,
        last_row,
        open_rows,
        open_sequencer,
        retire_log_key,
    )
    from kanhe.app.opening import (
        kanhe_in_memory,
        look_over_journal,
        open_history,
        open_journal,
        open_kanhe,
        open_keys,
        open_shop_table,
    )
    from kanhe.app.pasts import OpenPast, open_past, reads_beside
    from kanhe.app.policies import Who
    from kanhe.app.reading import EventFile, FileAccount
    from kanhe.app.resting import kept_policy, open_policies, warm_policy
    from kanhe.app.shadowing import Follower, shadow_report
    from kanhe.flow import Pending
    from kanhe.stores.files.lock import FolderInUse

_HOMES = {
    "kanhe.app.auditing": ("audit_log",),
    "kanhe.app.resting": ("kept_policy", "open_policies", "warm_policy"),
    "kanhe.app.desk_door": ("OpenDoor",),
    "kanhe.app.drift_files": ("has_baseline",),
    "kanhe.app.erasing": ("ask_to_erase", "erasure_is_open", "find_person", "forget_buyer"),
    "kanhe.app.hooks": ("HookDesk", "open_receivers", "read_mappings"),
    "kanhe.app.installation": ("Kanhe", "Stats"),
    "kanhe.app.learning": ("build_dataset", "build_dataset_of_files"),
    "kanhe.app.ledger": (
        "Ledger", "add_log_key", "last_row", "open_rows", "open_sequencer", "retire_log_key",
    ),
    "kanhe.app.opening": (
        "kanhe_in_memory", "look_over_journal", "open_history", "open_journal", "open_kanhe",
        "open_keys", "open_shop_table",
    ),
    "kanhe.app.pasts": ("OpenPast", "open_past", "reads_beside"),
    "kanhe.app.policies": ("Who",),
    "kanhe.app.reading": ("EventFile", "FileAccount"),
    "kanhe.app.shadowing": ("Follower", "shadow_report"),
    "kanhe.flow": ("Pending",),
    "kanhe.stores.files.lock": ("FolderInUse",),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "EventFile", "FileAccount", "FolderInUse", "Follower", "HookDesk", "Kanhe", "Ledger", "OpenDoor", "OpenPast",
    "Pending",
    "Stats", "Who", "add_log_key", "ask_to_erase", "audit_log", "build_dataset",
    "build_dataset_of_files", "erasure_is_open", "find_person", "forget_buyer",
    "has_baseline", "kanhe_in_memory", "kept_policy", "last_row", "look_over_journal", "open_history", "open_journal",
    "open_kanhe", "open_keys", "open_past", "open_policies", "open_receivers", "open_rows", "open_sequencer", "open_shop_table",
    "read_mappings", "reads_beside", "retire_log_key", "shadow_report", "warm_policy",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """What stands in `__all__`, from its own module (PEP 562)."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
