"""Which past a command is asked about, and how its labels are to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar, get_args

from kanhe.app import EventFile, FileAccount, open_past, reads_beside
from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.core.time import duration_ms
from kanhe.judge.policy.pack import Pack, load_pack
from kanhe.learn.judged import Judged, judge_past
from kanhe.learn.truth import Assumptions, Unlabelled
from kanhe.replay import day_end_of, span_of
from kanhe.serve.cli.packs import folder_of
from kanhe.serve.cli.terminal import print_table, rows_bar, say
from kanhe.serve.cli.wording import words

_Choice = TypeVar("_Choice", bound=str)


class AskedPast(NamedTuple):
    """The options, as they were given."""

    policy: Path | None
    begin: str
    end: str
    data: tuple[Path, ...]
    maps: tuple[Path, ...]
    tenant: str | None
    label_delay: str
    as_of: str
    unlabelled: str
    types: tuple[str, ...]
    one_process: bool


class Evidence(NamedTuple):
    """A past, decided under the policy that was asked for."""

    judged: Judged | None
    """`None` if nothing was ever judged in the data folder."""
    assumed: Assumptions
    account: FileAccount | None
    """What became of the lines of files."""


def gather(
    settings: Settings, asked: AskedPast, check: Callable[[Pack], object] = lambda pack: None
) -> Evidence:
    """Read and decide it, with a progress bar. Raises `KanheError` for options that make no sense;
    `check` looks at what only the pack can tell, before anything else is read."""
    pack = load_pack(folder_of(settings, asked.policy))
    check(pack)
    assumed = Assumptions(
        delay_ms=0 if asked.label_delay in ("0", "0d") else duration_ms(asked.label_delay),
        unlabelled=choice_of("--unlabelled", asked.unlabelled, get_args(Unlabelled)),
        types=_types(pack, asked.types),
    )
    span = span_of(asked.begin, asked.end)
    files = files_of(asked.data, asked.maps)
    with (
        open_past(
            settings, pack, files, asked.tenant or "default",
            beside=bool(files) and not asked.one_process and reads_beside(),
        ) as past,
        rows_bar(words("backtest.progress")) as progress,
    ):  # fmt: skip
        if past is None:
            return Evidence(None, assumed, None)
        judged = judge_past(
            past.past,
            past.flow,
            span,
            known_by_ms=day_end_of(asked.as_of, "--as-of") if asked.as_of else None,
            tenant=asked.tenant,
            progress=progress,
        )
        return Evidence(judged, assumed, past.account)


def choice_of(option: str, said: str, choices: tuple[_Choice, ...]) -> _Choice:
    """One of some words; raises `SettingsError` for another."""
    for choice in choices:
        if said == choice:
            return choice
    raise SettingsError(f"{option} is one of {', '.join(choices)}, not {said[:40]!r}")


def _types(pack: Pack, types: tuple[str, ...]) -> tuple[str, ...]:
    for name in types:
        if name not in pack.registry.types:
            raise SettingsError(f"--on {name[:80]!r} is no event type; see kanhe events list")
    return types


def files_of(data: Sequence[Path], maps: Sequence[Path]) -> list[EventFile]:
    """Each table gets the mapping at its place, or the only one there is."""
    files = [EventFile(str(path)) for path in data]
    tables = [file for file in files if not file.is_lines]
    if not files and maps:
        raise SettingsError("--map says how to read the tables of --data; give both")
    if len(maps) not in (0, 1, len(tables)) or (maps and not tables):
        raise SettingsError(
            f"{len(maps)} times --map for {len(tables)} tables; give one for all of them, or one"
            " for each in the same order (files of JSON lines need none)"
        )
    left = iter([*maps] * len(tables) if len(maps) == 1 else maps)
    return [
        file if file.is_lines else EventFile(file.path, str(next(left, "") or "")) for file in files
    ]


def show_account(account: FileAccount) -> None:
    """For people: what became of the lines of the files."""
    say(words("evidence.lines", lines=account.lines, events=account.events))
    if account.repeated:
        say(words("evidence.repeated", count=account.repeated))
    rows = [
        (words(f"import.{key}"), kind, why.lines, f"{why.file}:{why.first}", why.detail)
        for key, found in (("set_aside", account.set_aside), ("refused", account.refused))
        for kind, why in sorted(found.items(), key=lambda pair: -pair[1].lines)
    ]
    if rows:
        columns = [words(f"col.{c}") for c in ("where", "why", "lines", "first", "detail")]
        print_table(columns, rows, right=(2,))
