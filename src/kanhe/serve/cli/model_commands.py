"""The commands of `kanhe model`: their options and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kanhe.serve.cli import options
from kanhe.serve.cli.wording import words


def fill_model_files(group: typer.Typer) -> None:
    """`kanhe model …`."""

    @group.command(help=words("help.model.show"))
    def show(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=words("opt.model_file"))],
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import models

        raise typer.Exit(models.show(file, as_json))

    @group.command(help=words("help.model.explain"))
    def explain(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=words("opt.model_file"))],
        lines: Annotated[str, typer.Argument(metavar="LINES|-", help=words("opt.inputs"))] = "-",
        show: Annotated[int, typer.Option("--show", min=1, help=words("opt.contributions"))] = 10,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import models

        raise typer.Exit(models.explain(file, lines, show, as_json))
