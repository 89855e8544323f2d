"""The commands of `kanhe ledger`, and `kanhe erase`: their options and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from kanhe.serve.cli import options
from kanhe.serve.cli.wording import words


def fill_ledger(group: typer.Typer) -> None:
    """`kanhe ledger …`."""

    @group.command(help=words("help.ledger.show"))
    def show(
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import ledger, serving

        raise typer.Exit(ledger.show(serving.settings_from(data_dir=data_dir), as_json))

    @group.command(help=words("help.ledger.audit"))
    def audit(
        key: Annotated[list[str] | None, typer.Option("--key", help=words("opt.log_key"))] = None,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import ledger, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(ledger.audit(settings, key or [], as_json))

    @group.command(help=words("help.ledger.receipt"))
    def receipt(
        decision: Annotated[str, typer.Argument(metavar="ID", help=words("opt.decision"))],
        tenant: Annotated[str, options.tenant()] = "default",
        event: Annotated[bool, typer.Option("--event", help=words("opt.with_event"))] = False,
        output: Annotated[str, typer.Option("--output", "-o", help=words("opt.output"))] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
    ) -> None:
        from kanhe.serve.cli import ledger, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(ledger.receipt(settings, decision, tenant, output, with_event=event))

    @group.command(help=words("help.ledger.verify"))
    def verify(
        file: Annotated[str, typer.Argument(metavar="FILE|-", help=words("opt.receipt"))],
        key: Annotated[list[str], typer.Option("--key", help=words("opt.log_key"))],
        witness: Annotated[
            list[str] | None, typer.Option("--witness", help=words("opt.witness_key"))
        ] = None,
        required: Annotated[
            int | None, typer.Option("--required", min=0, help=words("opt.required"))
        ] = None,
        origin: Annotated[str, typer.Option("--origin", help=words("opt.origin"))] = "",
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import ledger

        raise typer.Exit(ledger.verify(file, key, witness or [], required, origin, as_json))

    @group.command("rotate-key", help=words("help.ledger.rotate-key"))
    def rotate_key(
        retire: Annotated[int, typer.Option("--retire", min=0, help=words("opt.retire"))] = 0,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import ledger, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(ledger.rotate_key(settings, retire, as_json))

    @group.command(help=words("help.ledger.run"))
    def run(
        once: Annotated[bool, typer.Option("--once", help=words("opt.once"))] = False,
        beside_parent: Annotated[bool, typer.Option("--beside-parent", hidden=True)] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
    ) -> None:
        from kanhe.serve.cli import ledger, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(ledger.run(settings, once=once, beside_parent=beside_parent))


def fill_erase(app: typer.Typer) -> None:
    """`kanhe erase`."""

    @app.command(help=words("help.erase"))
    def erase(
        names: Annotated[list[str], typer.Argument(metavar="KIND=ID…", help=words("opt.names"))],
        tenant: Annotated[str, options.tenant()] = "default",
        reason: Annotated[str, typer.Option("--reason", help=words("opt.reason"))] = "",
        by: Annotated[str, typer.Option("--by", help=words("opt.by"))] = "",
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help=words("opt.erase_dry_run"))
        ] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import erasing, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(
            erasing.erase(settings, names, tenant, reason, by, dry_run=dry_run, as_json=as_json)
        )
