"""The commands of `kanhe label`: their options and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from kanhe.serve.cli import options
from kanhe.serve.cli.wording import words


def fill_label(group: typer.Typer) -> None:
    """`kanhe label …`."""

    @group.command(help=words("help.label.show"))
    def show(
        event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help=words("opt.event_id"))],
        tenant: Annotated[str, options.tenant()] = "default",
        as_of: Annotated[str, typer.Option("--as-of", help=words("opt.as_of"))] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import labelling, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(labelling.show(settings, event_id, tenant, as_of, as_json))

    @group.command(help=words("help.label.summary"))
    def summary(
        tenant: Annotated[str | None, options.tenant()] = None,
        as_of: Annotated[str, typer.Option("--as-of", help=words("opt.as_of"))] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import labelling, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(labelling.summary(settings, tenant, as_of, as_json))
