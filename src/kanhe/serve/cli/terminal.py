"""What commands print: tables and sentences for people, JSON for programs, errors on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from rich.progress import Progress

OK = 0
REFUSED = 1
"""Some input was refused, or a check failed."""
USAGE = 2
STORAGE = 3
_NO_TERMINAL = 160
"""How wide tables are where they go into a file or a pipe."""
_ENOUGH = 12
"""How wide a column of sentences has to be; longer words in it may be broken."""
_LITTLE = 6
"""How narrow such a column becomes before names and numbers are broken."""


def say(text: str) -> None:
    """A line for people on standard output."""
    sys.stdout.write(text + "\n")


def tell(text: str) -> None:
    """A line for people on standard error, where standard output belongs to results."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def complain(text: str, code: int) -> int:
    """An error on standard error, and the exit code it means."""
    tell(f"kanhe: {text}")
    return code


def print_json(content: Any) -> None:
    """One JSON document on standard output, indented so that people can read it too."""
    encoded = msgspec.json.encode(content)
    sys.stdout.write(msgspec.json.format(encoded, indent=2).decode() + "\n")


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: str = "",
    right: Iterable[int] = (),
    caption: str = "",
    whole: Iterable[int] = (),
) -> None:
    """A table as wide as the terminal, `COLUMNS` or 160 where there is none; nothing is cut off.

    `right` are the columns that hold numbers, `whole` those with names to be copied: in both no cell
    is broken over lines while there is room for it.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    console = Console(file=sys.stdout, width=None if known else _NO_TERMINAL, highlight=False)
    table = Table(title=escape(title) or None, caption=caption or None, title_justify="left",
                  caption_justify="left", header_style="bold")  # fmt: skip
    cells = [[_cell(value) for value in row] for row in rows]
    numbers = set(right)
    widths = _widths(columns, cells, {*numbers, *whole}, console.width - 3 * len(columns) - 1)
    for position, (column, width) in enumerate(zip(columns, widths, strict=True)):
        justify: Literal["left", "right"] = "right" if position in numbers else "left"
        table.add_column(column, justify=justify, overflow="fold", width=width)
    for row in cells:
        table.add_row(*map(Text, row))  # As `Text`, in which Rich looks for no markup.
    with console.capture() as drawn:
        console.print(table)
    sys.stdout.write("".join(line.rstrip() + "\n" for line in drawn.get().splitlines()))


def _widths(
    columns: Sequence[str], rows: Sequence[Sequence[str]], unbroken: set[int], room: int
) -> list[int]:
    """How wide each column is: as wide as it wants if there is room, else first what may not break.

    Rich alone takes width from all columns, so that names and numbers break before sentences do.
    """
    from rich.cells import cell_len

    wants, needs = [], []
    for position, column in enumerate(columns):
        lines = [line for row in rows for line in row[position].split("\n")]
        pieces = lines if position in unbroken else [w for line in lines for w in line.split()]
        word = max([cell_len(w) for w in [*column.split(), *pieces]], default=1)
        wants.append(max([cell_len(line) for line in [column, *lines]], default=1))
        needs.append(word if position in unbroken else min(word, _ENOUGH))
    breakable = [p for p in range(len(columns)) if p not in unbroken] or list(range(len(columns)))
    while sum(needs) > room and max(needs) > 1:
        if all(needs[p] <= _LITTLE for p in breakable):
            breakable = list(range(len(columns)))
        needs[max(breakable, key=lambda p: needs[p])] -= 1
    while sum(needs) < room and needs != wants:
        narrow = [p for p, need in enumerate(needs) if need < wants[p]]
        needs[min(narrow, key=lambda p: needs[p] / wants[p])] += 1
    return needs


def shown_time(at_ms: int) -> str:
    """A moment to the minute, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _cell(value: object) -> str:
    """As text; whole numbers with separators."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar on standard error, silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield bar


@contextmanager
def rows_bar(text: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar as a function of rows done and rows in all."""
    with progress_bar() as bar:
        task = bar.add_task(text, total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield progress
