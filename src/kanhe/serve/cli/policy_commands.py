"""The commands by which a policy pack goes its way: their options and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from kanhe.serve.cli import options
from kanhe.serve.cli.wording import words


def _server() -> Any:
    return typer.Option("--server", help=words("opt.server"), show_default=False)


def _token() -> Any:
    return typer.Option("--token-file", help=words("opt.token_file"), show_default=False)


def _why() -> Any:
    return typer.Option("--why", help=words("opt.why"))


def _hash() -> Any:
    return typer.Argument(metavar="HASH", help=words("opt.policy_hash"))


def fill_policy_life(group: typer.Typer) -> None:
    """From `propose` to `rollback`."""
    _proposing(group)
    for step in ("shadow", "approve", "activate", "withdraw"):
        _step(group, step)
    _sharing(group)
    _ending(group)
    _beside(group)


def _proposing(group: typer.Typer) -> None:
    @group.command(help=words("help.policy.propose"))
    def propose(
        folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=words("opt.proposed"))],
        why: Annotated[str, _why()] = "",
        server: Annotated[str, _server()] = "",
        token_file: Annotated[str, _token()] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import policy_life, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(policy_life.propose(settings, folder, why, server, token_file, as_json))

    @group.command(help=words("help.policy.status"))
    def status(
        hash: Annotated[str, _hash()] = "",
        server: Annotated[str, _server()] = "",
        token_file: Annotated[str, _token()] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import policy_life, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(policy_life.status(settings, hash, server, token_file, as_json))

    @group.command(help=words("help.policy.backtest"))
    def backtest(
        hash: Annotated[str, _hash()],
        begin: Annotated[str, typer.Option("--from", help=words("opt.from"))] = "",
        end: Annotated[str, typer.Option("--to", help=words("opt.to"))] = "",
        why: Annotated[str, _why()] = "",
        server: Annotated[str, _server()] = "",
        token_file: Annotated[str, _token()] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import policy_life, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(
            policy_life.backtest_step(settings, hash, begin, end, why, server, token_file, as_json)
        )


def _step(group: typer.Typer, name: str) -> None:
    @group.command(name, help=words(f"help.policy.{name}"))
    def step(
        hash: Annotated[str, _hash()],
        why: Annotated[str, _why()] = "",
        server: Annotated[str, _server()] = "",
        token_file: Annotated[str, _token()] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import policy_life, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(
            policy_life.take_step(settings, name, hash, {"why": why}, server, token_file, as_json)
        )


def _sharing(group: typer.Typer) -> None:
    @group.command(help=words("help.policy.share"))
    def share(
        hash: Annotated[str, _hash()],
        percent: Annotated[float, typer.Option("--percent", help=words("opt.percent"))],
        why: Annotated[str, _why()] = "",
        server: Annotated[str, _server()] = "",
        token_file: Annotated[str, _token()] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import policy_life, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(
            policy_life.share(settings, hash, percent, why, server, token_file, as_json)
        )

    @group.command(help=words("help.policy.compare"))
    def compare(
        hash: Annotated[str, _hash()],
        show: Annotated[int, typer.Option("--show", min=0, help=words("opt.show_shadow"))] = 10,
        server: Annotated[str, _server()] = "",
        token_file: Annotated[str, _token()] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import policy_life, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(policy_life.compare(settings, hash, show, server, token_file, as_json))


def _ending(group: typer.Typer) -> None:
    @group.command(help=words("help.policy.rollback"))
    def rollback(
        why: Annotated[str, _why()] = "",
        server: Annotated[str, _server()] = "",
        token_file: Annotated[str, _token()] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import policy_life, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(policy_life.rollback(settings, why, server, token_file, as_json))

    @group.command(help=words("help.policy.release"))
    def release(
        rule: Annotated[str, typer.Argument(metavar="RULE|*", help=words("opt.held_rule"))],
        event_type: Annotated[str, typer.Option("--type", help=words("opt.event_type"))],
        outcome: Annotated[
            Literal["deny", "challenge"], typer.Option("--outcome", help=words("opt.held_outcome"))
        ] = "deny",
        for_: Annotated[str, typer.Option("--for", help=words("opt.release_for"))] = "",
        why: Annotated[str, _why()] = "",
        server: Annotated[str, _server()] = "",
        token_file: Annotated[str, _token()] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import policy_life, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(
            policy_life.release(
                settings, rule, event_type, outcome, for_, why, server, token_file, as_json
            )
        )


def _beside(group: typer.Typer) -> None:
    @group.command(help=words("help.policy.warm"))
    def warm(
        hash: Annotated[str, _hash()],
        beside_parent: Annotated[bool, typer.Option("--beside-parent", hidden=True)] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
    ) -> None:
        from kanhe.serve.cli import policy_life, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(policy_life.warm(settings, hash, beside_parent=beside_parent))

    @group.command(help=words("help.policy.follow"))
    def follow(
        hash: Annotated[str, _hash()],
        once: Annotated[bool, typer.Option("--once", help=words("opt.follow_once"))] = False,
        beside_parent: Annotated[bool, typer.Option("--beside-parent", hidden=True)] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
    ) -> None:
        from kanhe.serve.cli import policy_life, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(policy_life.follow(settings, hash, once=once, beside_parent=beside_parent))
