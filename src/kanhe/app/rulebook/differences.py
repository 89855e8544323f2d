"""What is different between two packs: by rule, and line by line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from kanhe.judge.policy.pack import Pack

_CONTEXT = 3
_MOST_LINES = 4_000
"""Longer files are only said to differ: nobody reads them line by line, and comparing takes long."""


class Line(msgspec.Struct, frozen=True):
    """One line of a comparison. A number of 0: there is no such line on that side."""

    kind: Literal["same", "added", "removed", "gap"]
    old: int
    new: int
    text: str


class FileChange(msgspec.Struct, frozen=True):
    """One file that differs."""

    path: str
    kind: Literal["added", "removed", "changed"]
    added: int
    removed: int
    lines: list[Line]
    """Empty where the file is too long, or no text."""


class PackChange(msgspec.Struct, frozen=True):
    """What one pack has that another has not."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    """Ids of rules."""
    files: list[FileChange]


def compare_packs(old: Pack, new: Pack) -> PackChange:
    """What is different in `new`."""
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    return PackChange(
        sorted(after.keys() - before.keys()),
        sorted(before.keys() - after.keys()),
        sorted(id for id in after.keys() & before.keys() if _said(old, id) != _said(new, id)),
        compare_files(old.files, new.files),
    )


def compare_files(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[FileChange]:
    """The files that differ, by path."""
    return [
        _file_change(path, old.get(path), new.get(path))
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


def _said(pack: Pack, id: str) -> tuple[object, ...]:
    """Everything a rule says, without where it stands."""
    rule = next(rule for rule in pack.rules if rule.id == id)
    return (
        rule.on, rule.condition.text, rule.points, rule.outcome, rule.en.text, rule.zh.text,
        rule.tags, rule.owner, rule.actions,
    )  # fmt: skip


def _file_change(path: str, old: bytes | None, new: bytes | None) -> FileChange:
    kind: Literal["added", "removed", "changed"] = "changed"
    if old is None or new is None:
        kind = "added" if old is None else "removed"
    before, after = _lines(old or b""), _lines(new or b"")
    if before is None or after is None or max(len(before), len(after)) > _MOST_LINES:
        return FileChange(path, kind, 0, 0, [])
    lines = list(_compared(before, after))
    return FileChange(
        path, kind,
        sum(line.kind == "added" for line in lines), sum(line.kind == "removed" for line in lines),
        lines,
    )  # fmt: skip


def _lines(content: bytes) -> list[str] | None:
    try:
        return content.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return None


def _compared(before: list[str], after: list[str]) -> Iterator[Line]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(_CONTEXT)):
        if number:
            yield Line("gap", 0, 0, "")
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                for step, text in enumerate(before[old_from:old_to]):
                    yield Line("same", old_from + step + 1, new_from + step + 1, text)
                continue
            for step, text in enumerate(before[old_from:old_to]):
                yield Line("removed", old_from + step + 1, 0, text)
            for step, text in enumerate(after[new_from:new_to]):
                yield Line("added", 0, new_from + step + 1, text)
