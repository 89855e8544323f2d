"""The life of the packs of one installation: read from its journal, and carried on.

Each step is a row of the journal, `policy:1`, `policy:2`, … by name, so that all of them are found
again without a search. What a step needs beside (the text of the pack) is durable before the row is.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from kanhe.core.errors import StorageError
from kanhe.core.time import Clock
from kanhe.judge.policy.life import KANHE, Life, LifeError, Move, PackLife, Step
from kanhe.judge.policy.pack import Pack, load_archive
from kanhe.record.journal.ports import Journal, Row
from kanhe.record.log.entries import Happening, decode_happening

_KIND = "policy:pack:"
_OWN = ("pack", "live", "by", "key", "why")
_FACTS_MAX = 20
_FACT_MAX = 200
_SHORTEST_REFERENCE = 6


class Finder(Protocol):
    """A journal in which rows are found by name."""

    def find(self, tenant: str, event_id: str) -> Row | None:
        """The row of this name, or `None`."""


class Notes(Protocol):
    """Who writes rows for what is no event."""

    @property
    def journal(self) -> Journal:
        """Where they are written."""

    @property
    def policy(self) -> str:
        """The content hash in force."""

    def note(self, happening: str, name: str, body: bytes) -> None:
        """Write a row, durable when it returns."""


class Someone(Protocol):
    """Who takes a step."""

    @property
    def name(self) -> str:
        """The person an API key belongs to, or `KANHE`."""

    @property
    def key(self) -> str:
        """The public handle of the key."""


class Who(msgspec.Struct, frozen=True):
    """Someone, by name."""

    name: str
    key: str = ""


class Policies:
    """What is known of all packs, and the steps they take."""

    def __init__(self, notes: Notes, life: Life, clock: Clock) -> None:
        self._notes = notes
        self._life = life
        self._clock = clock
        self._in_doubt = False

    @property
    def life(self) -> Life:
        """All packs, after the steps so far. Raises `StorageError` while the journal cannot be read."""
        if self._in_doubt:
            # A write failed: whether it was kept all the same, the journal itself says.
            while (
                row := self._notes.journal.find("", f"policy:{self._life.moves + 1}")
            ) is not None:
                self._life.after(move_of(row))
            self._in_doubt = False
        return self._life

    def propose(self, pack: Pack, who: Someone, why: str = "") -> PackLife:
        """Take in a pack that was read without a mistake. Raises `LifeError`, `StorageError`."""
        self.take("proposed", pack.hash, who, why, self._told(pack), archive=pack.archive)
        return self.take("checked", pack.hash, Who(KANHE), "", {"rules": str(len(pack.rules))})

    def take(
        self,
        step: Step,
        pack: str,
        who: Someone,
        why: str = "",
        facts: dict[str, str] | None = None,
        *,
        archive: bytes = b"",
    ) -> PackLife:
        """Take a step, durable when it returns; gives the pack afterwards. Raises `LifeError`."""
        move = Move(
            step=step, pack=pack, live=self._notes.policy, by=" ".join(who.name.split()),
            key=who.key, why=why.strip(), at_ms=self._clock(), facts=_checked(facts or {}),
        )  # fmt: skip
        tried = msgspec.convert(msgspec.to_builtins(self.life), Life)
        tried.after(move)
        if archive:
            # A crash between the two leaves a text that nobody proposed, and harms nothing.
            self._notes.journal.keep_policy(pack, archive)
        name = f"policy:{tried.moves}"
        own = {"pack": pack, "live": move.live, "by": move.by, "key": move.key, "why": move.why}
        body = msgspec.json.encode(Happening({**move.facts, **own}))
        try:
            self._notes.note(_KIND + step, name, body)
        except StorageError:
            self._in_doubt = True
            raise
        # Read back as it stands, so that what is known here is what a restart will know.
        row = self._notes.journal.find("", name)
        if row is None:
            raise StorageError(f"the row {name} is not there although it was written")
        self.life.after(move_of(row))
        return self.life.packs.get(pack) or PackLife(
            hash=pack, state="live", author="", since_ms=move.at_ms
        )

    def rollback(self, who: Someone, why: str) -> str:
        """Have the pack before come back; gives its hash. Raises `LifeError`."""
        target = self.life.rollback_target
        self.take("rolled_back", target or self.life.in_force, who, why)
        return target

    def resolve(self, reference: str) -> str:
        """The hash that a reference stands for: all of it, or its first digits. Raises `LifeError`."""
        digits = reference.removeprefix("sha256:")
        found = [
            hash for hash in self.life.packs if hash.removeprefix("sha256:").startswith(digits)
        ]
        if len(digits) >= _SHORTEST_REFERENCE and len(found) == 1:
            return found[0]
        if len(found) > 1 and len(digits) >= _SHORTEST_REFERENCE:
            raise LifeError("unknown", f"{reference[:80]} could be any of {len(found)} packs")
        raise LifeError("unknown", f"no pack that was proposed has the hash {reference[:80]}")

    def kept(self, hash: str) -> Pack:
        """The pack behind a hash. Raises `StorageError` if it is not kept, `PolicyErrors`."""
        return kept_pack_of(self._notes.journal, hash)

    def view(self) -> dict[str, Any]:
        """How all packs stand, without their moves, the latest first."""
        life = self.life
        packs = sorted(life.packs.values(), key=lambda pack: pack.since_ms, reverse=True)
        return {
            "in_force": self._notes.policy,
            "wanted": life.wanted if life.begun else self._notes.policy,
            "from_settings": not life.begun,
            "rollback_to": life.rollback_target,
            "packs": [_shown(pack) for pack in packs],
        }

    def show(self, reference: str) -> dict[str, Any]:
        """One pack with all its moves. Raises `LifeError`."""
        pack = self.life.packs[self.resolve(reference)]
        return {**_shown(pack), "moves": msgspec.to_builtins(pack.moves)}

    def _told(self, pack: Pack) -> dict[str, str]:
        return {"name": pack.name, "version": pack.version}


def read_life(journal: Finder) -> Life:
    """All moves of a journal. Raises `StorageError` if one cannot have been made here: a pack that was
    not approved must not come into force because a row was altered."""
    life = Life()
    while (row := journal.find("", f"policy:{life.moves + 1}")) is not None:
        try:
            life.after(move_of(row))
        except (LifeError, KeyError, ValueError) as error:
            raise StorageError(
                f"row {row.seq} of the journal is no step that a policy can take ({error}): restore"
                " the last good backup"
            ) from error
    return life


def move_of(row: Row) -> Move:
    """The move that a row tells of. Raises `ValueError` (or one of its kinds), `KeyError`."""
    facts = decode_happening(row.body).facts
    own = {name: facts.pop(name) for name in _OWN}
    return msgspec.convert(
        {"step": row.type.removeprefix(_KIND), "at_ms": row.at_ms, "facts": facts, **own}, Move
    )


def kept_pack_of(journal: Journal, hash: str) -> Pack:
    """The pack that the journal keeps under a hash. Raises `StorageError`, `PolicyErrors`."""
    archive = journal.policy(hash)
    if archive is None:
        raise StorageError(f"the journal does not keep the pack {hash}: restore it from a backup")
    pack = load_archive(archive)
    if pack.hash != hash:
        raise StorageError(f"the journal keeps another pack under {hash}: restore it from a backup")
    return pack


def _shown(pack: PackLife) -> dict[str, Any]:
    about = next((m.facts for m in reversed(pack.moves) if m.step == "proposed"), {})
    return {
        "hash": pack.hash,
        "name": about.get("name", ""),
        "version": about.get("version", ""),
        "state": pack.state,
        "since_ms": pack.since_ms,
        "author": pack.author,
        "approved_by": pack.approved_by,
        "share_permille": pack.share_permille,
    }


def _checked(facts: dict[str, str]) -> dict[str, str]:
    """Facts stand in the log for ever: few and short."""
    if len(facts) > _FACTS_MAX or any(name in _OWN for name in facts):
        raise LifeError(
            "too-long", f"a step has at most {_FACTS_MAX} facts, named as none of its own"
        )
    for name, value in facts.items():
        if len(name) > _FACT_MAX or len(value) > _FACT_MAX:
            raise LifeError("too-long", f"a fact has at most {_FACT_MAX} characters")
    return facts
