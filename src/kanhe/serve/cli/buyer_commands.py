"""The commands about buyers: `kanhe buyers`."""

from __future__ import annotations

from typing import Annotated

import typer

from kanhe.serve.cli import options
from kanhe.serve.cli.wording import words


def fill_buyers(group: typer.Typer) -> None:
    """`kanhe buyers …`."""

    @group.command(help=words("help.buyers.factors"))
    def factors(
        user: Annotated[str, typer.Argument(metavar="USER", help=words("opt.buyer"))],
        tenant: Annotated[str, options.tenant()] = "default",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import buyers, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(buyers.factors(settings, user, tenant, as_json))

    @group.command(help=words("help.buyers.remove"))
    def remove(
        user: Annotated[str, typer.Argument(metavar="USER", help=words("opt.buyer"))],
        factor: Annotated[str, typer.Argument(metavar="FACTOR", help=words("opt.factor"))],
        why: Annotated[str, typer.Option("--why", help=words("opt.buyer_why"))],
        ticket: Annotated[str, typer.Option("--ticket", help=words("opt.buyer_ticket"))] = "",
        by: Annotated[str, typer.Option("--by", help=words("opt.buyer_by"))] = "",
        tenant: Annotated[str, options.tenant()] = "default",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import buyers, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(buyers.remove(settings, user, factor, tenant, by, why, ticket, as_json))
