"""The commands about sources of notices: `kanhe hooks`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kanhe.serve.cli import options
from kanhe.serve.cli.wording import words


def _source() -> Any:
    return typer.Argument(metavar="NAME", help=words("opt.hook_name"))


def _secret() -> Any:
    return typer.Option("--secret", metavar="FILE|-", help=words("opt.hook_secret"))


def _public_key() -> Any:
    return typer.Option("--public-key", metavar="FILE", help=words("opt.hook_public_key"))


def _password() -> Any:
    return typer.Option("--password", metavar="FILE", help=words("opt.hook_password"))


def _serial() -> Any:
    return typer.Option("--serial", help=words("opt.hook_serial"))


def fill_hooks(group: typer.Typer) -> None:
    """`kanhe hooks …`."""
    _changing(group)
    _looking(group)


def _changing(group: typer.Typer) -> None:
    @group.command(help=words("help.hooks.add"))
    def add(
        name: Annotated[str, _source()],
        provider: Annotated[str, typer.Option("--provider", help=words("opt.hook_provider"))],
        secret: Annotated[str, _secret()] = "-",
        public_key: Annotated[str, _public_key()] = "",
        serial: Annotated[str, _serial()] = "",
        password: Annotated[str, _password()] = "",
        account: Annotated[str, typer.Option("--account", help=words("opt.hook_account"))] = "",
        mapping: Annotated[str, typer.Option("--map", help=words("opt.hook_map"))] = "",
        rate: Annotated[float, typer.Option("--rate", help=words("opt.hook_rate"))] = 100.0,
        tenant: Annotated[str, options.tenant()] = "default",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import hooks, serving

        given = hooks.Given(secret, public_key, serial, password)
        settings = serving.settings_from(data_dir=data_dir)
        hooks.add(settings, name, provider, given, account, mapping, rate, tenant, as_json)

    @group.command(help=words("help.hooks.rotate"))
    def rotate(
        name: Annotated[str, _source()],
        secret: Annotated[str, _secret()] = "",
        public_key: Annotated[str, _public_key()] = "",
        serial: Annotated[str, _serial()] = "",
        password: Annotated[str, _password()] = "",
        overlap: Annotated[str, typer.Option("--overlap", help=words("opt.hook_overlap"))] = "24h",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import hooks, serving

        given = hooks.Given(secret, public_key, serial, password)
        hooks.rotate(serving.settings_from(data_dir=data_dir), name, given, overlap, as_json)

    @group.command(help=words("help.hooks.remove"))
    def remove(
        name: Annotated[str, _source()],
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import hooks, serving

        hooks.remove(serving.settings_from(data_dir=data_dir), name, as_json)


def _looking(group: typer.Typer) -> None:
    @group.command("list", help=words("help.hooks.list"))
    def list_(
        tenant: Annotated[str | None, options.tenant()] = None,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import hooks, serving

        hooks.show(serving.settings_from(data_dir=data_dir), tenant, as_json)

    @group.command(help=words("help.hooks.test"))
    def test(
        name: Annotated[str, _source()],
        url: Annotated[str, typer.Option("--url", help=words("opt.hook_url"))] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import hooks, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(hooks.test(settings, name, url, as_json))

    @group.command(help=words("help.hooks.check"))
    def check(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=words("opt.hook_file"))],
        notice: Annotated[
            Path | None, typer.Option("--notice", metavar="FILE", help=words("opt.hook_notice"))
        ] = None,
        topic: Annotated[str, typer.Option("--topic", help=words("opt.hook_topic"))] = "",
        policy: Annotated[str | None, options.policy()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import hooks, serving

        settings = serving.settings_from(policy=policy)
        raise typer.Exit(hooks.check(settings, file, notice, topic, as_json))
