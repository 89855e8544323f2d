"""The options that many commands have, each with its one name and its one help."""

from __future__ import annotations

from typing import Any

import typer

from kanhe.serve.cli.wording import words


def data_dir() -> Any:
    """`--data-dir`."""
    return typer.Option("--data-dir", help=words("opt.data_dir"), show_default=False)


def policy() -> Any:
    """`--policy`, the pack in force."""
    return typer.Option("--policy", help=words("opt.policy"), show_default=False)


def as_json() -> Any:
    """`--json`."""
    return typer.Option("--json", help=words("opt.json"))


def tenant() -> Any:
    """`--tenant`."""
    return typer.Option("--tenant", help=words("opt.tenant"))
