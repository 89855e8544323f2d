"""Reading packs: which one is in force, how all stand, and what each says."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import msgspec

from kanhe.app.judge_link import JudgeDownError, JudgeLink
from kanhe.app.opening import open_journal, settings_pack
from kanhe.app.shadowing import shadow_report
from kanhe.core.errors import Refusal
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import Pack, load_archive
from kanhe.record.shadow import ShadowReport

_KEPT = 6
"""Packs in memory: each takes a few MiB at most, and does not change."""


class Standing(msgspec.Struct, kw_only=True):
    """How all packs of the installation stand."""

    in_force: str
    """The hash of the pack that decides."""
    wanted: str = ""
    """Another hash while that pack is being made ready."""
    rollback_to: str = ""
    from_settings: bool = True
    packs: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    """Rules that the governor holds."""
    is_judging: bool = True
    """Whether the judging process said so; else this is what the journal ended with."""


class Packs:
    """The packs of one installation."""

    def __init__(self, settings: Settings, link: JudgeLink) -> None:
        self._settings = settings
        self._link = link
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Pack] = OrderedDict()

    def standing(self) -> Standing:
        """How they stand now; as far as the journal tells while nobody judges. Raises `StorageError`."""
        try:
            return msgspec.convert(self._link.policies(), Standing)
        except JudgeDownError:
            return Standing(in_force=self._last_used(), is_judging=False)

    def life(self, reference: str) -> dict[str, Any] | None:
        """One pack with its steps; `None` if no such pack was proposed. Raises `JudgeDownError`."""
        try:
            return self._link.policy(reference)
        except Refusal as refusal:
            if refusal.problem.status == 404:
                return None
            raise

    def pack(self, hash: str) -> Pack | None:
        """The pack of this hash; `None` if it is not kept here. Raises `StorageError`, `PolicyErrors`."""
        with self._lock:
            if hash in self._kept:
                self._kept.move_to_end(hash)
                return self._kept[hash]
        archive = None
        with open_journal(self._settings) as journal:
            if journal is not None:
                archive = journal.policy(hash)
        found = load_archive(archive) if archive is not None else self._of_settings(hash)
        if found is not None:
            with self._lock:
                self._kept[found.hash] = found
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return found

    def in_force(self) -> Pack | None:
        """The pack that decides. Raises `StorageError`, `PolicyErrors`."""
        return self.pack(self.standing().in_force)

    def shadow(self, hash: str) -> ShadowReport | None:
        """What a pack in shadow would have decided; `None` if nothing is known. Raises `StorageError`."""
        return shadow_report(self._settings, hash)

    def _of_settings(self, hash: str) -> Pack | None:
        pack = settings_pack(self._settings)
        return pack if pack.hash == hash or not hash else None

    def _last_used(self) -> str:
        with open_journal(self._settings) as journal:
            if journal is not None:
                for row in journal.rows(journal.last_seq() - 1):
                    return row.policy
        return settings_pack(self._settings).hash
