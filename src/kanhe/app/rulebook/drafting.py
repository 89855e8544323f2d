"""Drafts: a pack's files, changed by one person, checked as they write, proposed when they are done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from kanhe.app.rulebook.differences import FileChange, compare_files
from kanhe.app.rulebook.packs import Packs
from kanhe.core.actor import Actor
from kanhe.core.errors import KanheError
from kanhe.core.time import Clock
from kanhe.judge.language.source import MAX_FILE_BYTES, PolicyError, PolicyErrors
from kanhe.judge.policy.files import MANIFEST
from kanhe.judge.policy.pack import Pack, build_pack
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.drafts import (
    Draft,
    add_draft,
    change_draft,
    drop_draft,
    find_draft,
    mark_proposed,
    open_drafts,
)

EDITABLE = re.compile(
    r"pack\.toml|events\.kanhe|features\.kanhe"
    r"|rules/[a-z0-9][a-z0-9_-]{0,63}\.kanhe|lists/[a-z0-9][a-z0-9_-]{0,63}\.csv"
)
"""Files that people write; models are made by training."""
_MOST_OPEN = 200
_TITLE_MAX = 120

Problem = Literal["stale", "not-yours", "proposed", "name", "size", "title", "no-base"]


class DraftError(KanheError):
    """A draft that cannot be changed so. `code` is one word, for pages to say it in words of theirs."""

    def __init__(self, code: Problem, text: str) -> None:
        super().__init__(text)
        self.code: Problem = code


class Opened(msgspec.Struct, frozen=True):
    """A draft with the pack that it changes."""

    draft: Draft
    base: Pack

    @property
    def files(self) -> dict[str, bytes]:
        """All files as the draft has them."""
        return _applied(self.base.files, self.draft.files)

    def text(self, path: str) -> str | None:
        """A file that can be edited, as text; `None` if there is none of this name."""
        content = self.files.get(path)
        if content is None or not EDITABLE.fullmatch(path):
            return None
        return content.decode("utf-8", errors="replace")

    @property
    def paths(self) -> list[tuple[str, str]]:
        """The files that can be edited, each with `changed`, `added`, or nothing."""
        found = []
        for path in sorted(self.files, key=_order):
            if EDITABLE.fullmatch(path):
                is_changed = self.draft.files.get(path) is not None
                kind = "changed" if path in self.base.files else "added"
                found.append((path, kind if is_changed else ""))
        return found

    @property
    def differences(self) -> list[FileChange]:
        """What the draft changes."""
        return compare_files(self.base.files, self.files)


class Drafting:
    """The drafts of one desk."""

    def __init__(self, desk: Desk, packs: Packs, clock: Clock) -> None:
        self._desk = desk
        self._packs = packs
        self._clock = clock

    def open(self, number: int) -> Opened | None:
        """The draft of this number with its base; `None` if there is none, or its base is gone."""
        with self._desk.reading() as connection:
            draft = find_draft(connection, number)
        base = None if draft is None else self._packs.pack(draft.base)
        return None if draft is None or base is None else Opened(draft, base)

    def all(self) -> list[Draft]:
        """Those that were not proposed yet, the one changed last first."""
        with self._desk.reading() as connection:
            return open_drafts(connection, _MOST_OPEN)

    def begin(self, actor: Actor, base: str, title: str) -> int:
        """Begin to change a pack; gives the draft's number."""
        title = " ".join(title.split())
        if not title or len(title) > _TITLE_MAX:
            raise DraftError("title", f"a title has 1 to {_TITLE_MAX} characters")
        if self._packs.pack(base) is None:
            raise DraftError("no-base", f"no pack is kept under {base[:19]}")
        with self._desk.writing() as connection:
            return add_draft(connection, title, base, actor.staff, actor.name, self._clock())

    def write(self, actor: Actor, opened: Opened, path: str, text: str | None) -> None:
        """Keep a file as it is now; without a text it is removed. Raises `DraftError`."""
        self._check_author(actor, opened)
        files = self._with(opened, path, text)
        with self._desk.writing() as connection:
            if not change_draft(connection, opened.draft, files, self._clock()):
                raise DraftError("stale", "the draft has changed since it was opened")

    def drop(self, actor: Actor, opened: Opened) -> None:
        """Throw a draft away."""
        self._check_author(actor, opened)
        with self._desk.writing() as connection:
            drop_draft(connection, opened.draft.id)

    def check(self, opened: Opened, path: str, text: str) -> list[PolicyError]:
        """The mistakes of the whole pack, were this file so; empty if it is fine."""
        return self.mistakes(_applied(opened.base.files, self._with(opened, path, text)))

    def mistakes(self, files: Mapping[str, bytes]) -> list[PolicyError]:
        """The mistakes of a pack of these files."""
        try:
            build_pack(files)
        except PolicyErrors as several:
            return list(several.errors)
        except PolicyError as error:
            return [error]
        return []

    def proposed(self, opened: Opened, hash: str) -> None:
        """Note that a draft was proposed, under this hash."""
        with self._desk.writing() as connection:
            mark_proposed(connection, opened.draft.id, hash, self._clock())

    def _with(self, opened: Opened, path: str, text: str | None) -> dict[str, str | None]:
        """The draft's own files with this one in place; what is as in the base is none of them."""
        if not EDITABLE.fullmatch(path) or (text is None and path == MANIFEST):
            raise DraftError(
                "name", f"{path[:80]!r} is not a file of a pack that can be written here"
            )
        files = dict(opened.draft.files)
        if text is None:
            files.pop(path, None)
            if path in opened.base.files:
                files[path] = None
            return files
        # Browsers send line ends as a form has them (CR LF); files of a pack have LF.
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        try:
            content = text.encode("utf-8")
        except UnicodeEncodeError:
            raise DraftError("name", "the text holds half a character") from None
        if len(content) > MAX_FILE_BYTES:
            raise DraftError("size", f"a file has at most {MAX_FILE_BYTES} bytes")
        if opened.base.files.get(path) == content:
            files.pop(path, None)
        else:
            files[path] = text
        return files

    def _check_author(self, actor: Actor, opened: Opened) -> None:
        if opened.draft.proposed:
            raise DraftError("proposed", "the draft was proposed and does not change any more")
        if opened.draft.author != actor.staff:
            raise DraftError("not-yours", f"only {opened.draft.author_name} changes this draft")


def _applied(base: Mapping[str, bytes], changes: Mapping[str, str | None]) -> dict[str, bytes]:
    files = dict(base)
    for path, text in changes.items():
        if text is None:
            files.pop(path, None)
        else:
            files[path] = text.encode("utf-8")
    return files


def _order(path: str) -> tuple[int, str]:
    """Rules first: they are what is written most."""
    for place, beginning in enumerate(("rules/", "features", "events", "lists/")):
        if path.startswith(beginning):
            return place, path
    return 9, path
