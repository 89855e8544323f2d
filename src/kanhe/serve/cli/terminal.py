"""What commands print: tables and sentences for people, JSON for programs, errors on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

OK = 0
REFUSED = 1
"""Some input was refused, or a check failed."""
USAGE = 2
STORAGE = 3


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
) -> None:
    """A table as wide as the terminal; `right` are the columns that hold numbers."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, caption=caption or None, title_justify="left",
                  caption_justify="left", header_style="bold")  # fmt: skip
    numbers = set(right)
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if position in numbers else "left")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    width = None if sys.stdout.isatty() else 160
    Console(file=sys.stdout, width=width, highlight=False).print(table)


def _cell(value: object) -> str:
    """As text in which Rich finds no markup."""
    from rich.markup import escape

    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return escape(text)
