"""The commands about people of the console: `kanhe init` and `kanhe staff`."""

from __future__ import annotations

from typing import Annotated

import typer

from kanhe.serve.cli import options
from kanhe.serve.cli.wording import words


def fill_init(app: typer.Typer) -> None:
    """`kanhe init`."""

    @app.command(help=words("help.init"))
    def init(
        again: Annotated[bool, typer.Option("--again", help=words("opt.again"))] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import serving, staff

        raise typer.Exit(staff.init(serving.settings_from(data_dir=data_dir), again, as_json))


def fill_staff(group: typer.Typer) -> None:
    """`kanhe staff …`."""

    @group.command("list", help=words("help.staff.list"))
    def list_(
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import serving, staff

        raise typer.Exit(staff.show(serving.settings_from(data_dir=data_dir), as_json))

    @group.command(help=words("help.staff.invite"))
    def invite(
        mail: Annotated[str, typer.Argument(metavar="MAIL", help=words("opt.staff_mail"))],
        name: Annotated[str, typer.Option("--name", help=words("opt.staff_name"))],
        role: Annotated[list[str], typer.Option("--role", help=words("opt.staff_role"))],
        tenant: Annotated[str, typer.Option("--tenant", help=words("opt.staff_tenant"))] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import serving, staff

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(staff.invite(settings, mail, name, role, tenant, as_json))

    @group.command("invite-again", help=words("help.staff.invite-again"))
    def invite_again(
        who: Annotated[str, typer.Argument(metavar="MAIL|ID", help=words("opt.staff_who"))],
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import serving, staff

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(staff.invite_again(settings, who, as_json))

    @group.command("sign-in-link", help=words("help.staff.sign-in-link"))
    def sign_in_link(
        who: Annotated[str, typer.Argument(metavar="MAIL|ID", help=words("opt.staff_who"))],
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import serving, staff

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(staff.sign_in_link(settings, who, as_json))

    @group.command(help=words("help.staff.disable"))
    def disable(
        who: Annotated[str, typer.Argument(metavar="MAIL|ID", help=words("opt.staff_who"))],
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import serving, staff

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(staff.disable(settings, who, as_json))
