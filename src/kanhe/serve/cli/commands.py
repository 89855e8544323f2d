"""Every command of `kanhe`: its options and its help. The work is in the modules beside this one,
which are imported only when their command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kanhe.serve.cli import options
from kanhe.serve.cli.backtest_commands import fill_backtest, fill_tune
from kanhe.serve.cli.buyer_commands import fill_buyers
from kanhe.serve.cli.hook_commands import fill_hooks
from kanhe.serve.cli.learning_commands import (
    fill_dataset,
    fill_drift,
    fill_evaluate,
    fill_label,
    fill_model,
)
from kanhe.serve.cli.ledger_commands import fill_erase, fill_ledger
from kanhe.serve.cli.model_commands import fill_model_files
from kanhe.serve.cli.policy_commands import fill_policy_life
from kanhe.serve.cli.staff_commands import fill_init, fill_staff
from kanhe.serve.cli.wording import words

_NO_COMPLETION = {
    "add_completion": False,
    "no_args_is_help": True,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


def build() -> typer.Typer:
    """All commands, with help in the language in use."""
    app = typer.Typer(name="kanhe", help=words("help.kanhe"), **_NO_COMPLETION)  # type: ignore[arg-type]  # one table of options for all groups

    @app.callback()
    def kanhe(
        lang: Annotated[str, typer.Option("--lang", help=words("opt.lang"))] = "",
        version: Annotated[
            bool,
            typer.Option("--version", is_eager=True, callback=_version, help=words("opt.version")),
        ] = False,
    ) -> None:
        """The language was taken out of the words before this is called."""

    fill_init(app)
    _serving(app)
    _judging(app)
    fill_backtest(app)
    _groups(app)
    fill_evaluate(app)
    fill_drift(app)
    fill_erase(app)
    _looking(app)
    return app


def _version(asked: bool) -> None:
    """Tell the version and end, if asked to."""
    if asked:
        import kanhe
        from kanhe.serve.cli.terminal import say

        say(f"kanhe {kanhe.__version__}")
        raise typer.Exit()


def _serving(app: typer.Typer) -> None:
    @app.command(help=words("help.serve"))
    def serve(
        host: Annotated[str | None, typer.Option("--host", help=words("opt.host"))] = None,
        port: Annotated[int | None, typer.Option("--port", help=words("opt.port"))] = None,
        require_keys: Annotated[
            bool | None,
            typer.Option("--require-keys/--no-require-keys", " /--open", help=words("opt.keys")),
        ] = None,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        policy: Annotated[str | None, options.policy()] = None,
        log_level: Annotated[str | None, typer.Option(help=words("opt.log_level"))] = None,
        log_format: Annotated[str | None, typer.Option(help=words("opt.log_format"))] = None,
    ) -> None:
        from kanhe.serve.cli import serving

        serving.serve(
            serving.settings_from(
                host=host, port=port, require_keys=require_keys, data_dir=data_dir, policy=policy,
                log_level=log_level, log_format=log_format,
            )
        )  # fmt: skip

    @app.command(help=words("help.console"))
    def console(
        host: Annotated[str | None, typer.Option("--host", help=words("opt.console_host"))] = None,
        port: Annotated[int | None, typer.Option("--port", help=words("opt.console_port"))] = None,
        beside_parent: Annotated[bool, typer.Option("--beside-parent", hidden=True)] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        log_level: Annotated[str | None, typer.Option(help=words("opt.log_level"))] = None,
        log_format: Annotated[str | None, typer.Option(help=words("opt.log_format"))] = None,
    ) -> None:
        from kanhe.serve.cli import serving

        settings = serving.settings_from(
            console_host=host, console_port=port, data_dir=data_dir,
            log_level=log_level, log_format=log_format,
        )  # fmt: skip
        serving.serve_console(settings, beside_parent)

    @app.command(help=words("help.index"))
    def index(
        watch: Annotated[bool, typer.Option("--watch", help=words("opt.index_watch"))] = False,
        rebuild: Annotated[
            bool, typer.Option("--rebuild", help=words("opt.index_rebuild"))
        ] = False,
        beside_parent: Annotated[bool, typer.Option("--beside-parent", hidden=True)] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import indexing, serving

        settings = serving.settings_from(data_dir=data_dir)
        if watch:
            raise typer.Exit(indexing.watch(settings, beside_parent=beside_parent))
        raise typer.Exit(indexing.index(settings, rebuild=rebuild, as_json=as_json))

    @app.command(help=words("help.doctor"))
    def doctor(
        data_dir: Annotated[str | None, options.data_dir()] = None,
        policy: Annotated[str | None, options.policy()] = None,
        host: Annotated[str | None, typer.Option("--host", help=words("opt.host"))] = None,
        port: Annotated[int | None, typer.Option("--port", help=words("opt.port"))] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import doctor, serving

        settings = serving.settings_from(data_dir=data_dir, policy=policy, host=host, port=port)
        raise typer.Exit(doctor.examine(settings, as_json))


def _judging(app: typer.Typer) -> None:
    @app.command(help=words("help.decide"))
    def decide(
        lines: Annotated[str, typer.Argument(metavar="FILE|-", help=words("opt.lines"))] = "-",
        tenant: Annotated[str, options.tenant()] = "default",
        record: Annotated[bool, typer.Option("--record", help=words("opt.record"))] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help=words("opt.dry_run"))] = False,
        scope: Annotated[list[str] | None, typer.Option(help=words("opt.scopes"))] = None,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        policy: Annotated[str | None, options.policy()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import deciding, serving

        settings = serving.settings_from(data_dir=data_dir, policy=policy)
        scopes = frozenset(scope or ())
        raise typer.Exit(deciding.decide(settings, lines, tenant, record, dry_run, scopes, as_json))

    @app.command("import", help=words("help.import"))
    def import_(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=words("opt.table"))],
        mapping: Annotated[Path, typer.Option("--map", help=words("opt.map"))],
        tenant: Annotated[str, options.tenant()] = "default",
        record: Annotated[bool, typer.Option("--record", help=words("opt.record"))] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help=words("opt.dry_run"))] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        policy: Annotated[str | None, options.policy()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import importing, serving

        settings = serving.settings_from(data_dir=data_dir, policy=policy)
        raise typer.Exit(
            importing.import_file(settings, file, mapping, tenant, record, dry_run, as_json)
        )

    @app.command(help=words("help.replay"))
    def replay(
        begin: Annotated[str, typer.Option("--from", help=words("opt.from"))] = "",
        end: Annotated[str, typer.Option("--to", help=words("opt.to"))] = "",
        policy: Annotated[
            Path | None, typer.Option("--policy", help=words("opt.other_policy"))
        ] = None,
        show: Annotated[int, typer.Option("--show", min=0, help=words("opt.show"))] = 20,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import replaying, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(replaying.replay(settings, begin, end, policy, show, as_json))

    @app.command(help=words("help.demo"))
    def demo(
        events: Annotated[int, typer.Option("--events", help=words("opt.events"))] = 100_000,
        seed: Annotated[int, typer.Option("--seed", help=words("opt.seed"))] = 1,
        data: Annotated[Path | None, typer.Option("--data", help=words("opt.data"))] = None,
        mapping: Annotated[Path | None, typer.Option("--map", help=words("opt.map"))] = None,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        policy: Annotated[str | None, options.policy()] = None,
        ends: Annotated[bool, typer.Option("--exit", help=words("opt.demo_exit"))] = False,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import demo, serving

        settings = serving.settings_from(data_dir=data_dir, policy=policy)
        ends = ends or demo.ends_by_itself()
        raise typer.Exit(demo.run(settings, events, seed, data, mapping, as_json, ends))

    @app.command("demo-live", hidden=True)
    def demo_live(
        events: Annotated[int, typer.Option("--events")],
        seed: Annotated[int, typer.Option("--seed")],
        start_ms: Annotated[int, typer.Option("--start-ms")],
        beside_parent: Annotated[bool, typer.Option("--beside-parent")] = False,
    ) -> None:
        from kanhe.serve.cli import demo_desk, serving

        demo_desk.go_on(serving.settings_from(), events, seed, start_ms, beside_parent)


def _models(group: typer.Typer) -> None:
    fill_model(group)
    fill_model_files(group)


def _groups(app: typer.Typer) -> None:
    for name, fill in (
        ("keys", _keys), ("policy", _packs), ("lists", _lists), ("events", _events),
        ("ledger", fill_ledger), ("label", fill_label), ("dataset", fill_dataset), ("model", _models),
        ("witness", _witness), ("staff", fill_staff), ("hooks", fill_hooks),
        ("buyers", fill_buyers),
    ):  # fmt: skip
        group = typer.Typer(help=words(f"help.{name}"), **_NO_COMPLETION)  # type: ignore[arg-type]  # as above
        fill(group)
        app.add_typer(group, name=name)


def _keys(group: typer.Typer) -> None:
    @group.command(help=words("help.keys.create"))
    def create(
        tenant: Annotated[str, options.tenant()] = "default",
        name: Annotated[str, typer.Option("--name", help=words("opt.key_name"))] = "key",
        scope: Annotated[
            list[str] | None, typer.Option("--scope", help=words("opt.key_scope"))
        ] = None,
        rate: Annotated[float, typer.Option("--rate", help=words("opt.rate"))] = 0.0,
        burst: Annotated[int, typer.Option("--burst", help=words("opt.burst"))] = 0,
        expires: Annotated[str, typer.Option("--expires", help=words("opt.expires"))] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import keyring, serving

        settings = serving.settings_from(data_dir=data_dir)
        keyring.create(settings, tenant, name, scope or [], rate, burst, expires, as_json)

    @group.command("list", help=words("help.keys.list"))
    def list_(
        tenant: Annotated[str | None, options.tenant()] = None,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import keyring, serving

        keyring.show(serving.settings_from(data_dir=data_dir), tenant, as_json)

    @group.command(help=words("help.keys.revoke"))
    def revoke(
        key_id: Annotated[str, typer.Argument(metavar="ID", help=words("opt.key_id"))],
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import keyring, serving

        keyring.revoke(serving.settings_from(data_dir=data_dir), key_id, as_json)


def _packs(group: typer.Typer) -> None:
    @group.command(help=words("help.policy.check"))
    def check(
        folder: Annotated[
            Path | None, typer.Argument(metavar="FOLDER", help=words("opt.pack"))
        ] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import packs, serving

        raise typer.Exit(packs.check(serving.settings_from(), folder, as_json))

    @group.command(help=words("help.policy.show"))
    def show(
        folder: Annotated[
            Path | None, typer.Argument(metavar="FOLDER", help=words("opt.pack"))
        ] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import packs, serving

        packs.show(serving.settings_from(), folder, as_json)

    fill_policy_life(group)

    @group.command(help=words("help.policy.path"))
    def path() -> None:
        from kanhe.serve.cli import packs

        packs.path()

    fill_tune(group)


def _lists(group: typer.Typer) -> None:
    @group.command(help=words("help.lists.show"))
    def show(
        name: Annotated[str | None, typer.Argument(help=words("opt.list"))] = None,
        tenant: Annotated[str, options.tenant()] = "default",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        policy: Annotated[str | None, options.policy()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import listing, serving

        settings = serving.settings_from(data_dir=data_dir, policy=policy)
        listing.show(settings, name, tenant, as_json)

    @group.command(help=words("help.lists.add"))
    def add(
        name: Annotated[str, typer.Argument(help=words("opt.list"))],
        value: Annotated[str, typer.Argument(help=words("opt.value"))],
        tenant: Annotated[str, options.tenant()] = "default",
        for_: Annotated[str, typer.Option("--for", help=words("opt.entry_for"))] = "",
        note: Annotated[str, typer.Option("--note", help=words("opt.note"))] = "",
        staff: Annotated[str, typer.Option("--staff", help=words("opt.staff"))] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        policy: Annotated[str | None, options.policy()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import listing, serving

        settings = serving.settings_from(data_dir=data_dir, policy=policy)
        listing.add(settings, name, value, tenant, for_, note, staff, as_json)

    @group.command(help=words("help.lists.remove"))
    def remove(
        name: Annotated[str, typer.Argument(help=words("opt.list"))],
        value: Annotated[str, typer.Argument(help=words("opt.value"))],
        tenant: Annotated[str, options.tenant()] = "default",
        staff: Annotated[str, typer.Option("--staff", help=words("opt.staff"))] = "",
        data_dir: Annotated[str | None, options.data_dir()] = None,
        policy: Annotated[str | None, options.policy()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import listing, serving

        settings = serving.settings_from(data_dir=data_dir, policy=policy)
        raise typer.Exit(listing.remove(settings, name, value, tenant, staff, as_json))


def _events(group: typer.Typer) -> None:
    @group.command("list", help=words("help.events.list"))
    def list_(
        policy: Annotated[str | None, options.policy()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import catalogue, serving

        catalogue.show_all(serving.settings_from(policy=policy), as_json)

    @group.command(help=words("help.events.show"))
    def show(
        name: Annotated[str, typer.Argument(metavar="TYPE", help=words("opt.event_type"))],
        policy: Annotated[str | None, options.policy()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import catalogue, serving

        catalogue.show_one(serving.settings_from(policy=policy), name, as_json)


def _witness_dir() -> Any:
    return typer.Option("--data-dir", help=words("opt.witness_dir"))


_WITNESS_DIR = "./kanhe-witness"
_WITNESS_PORT = 8090


def _witness(group: typer.Typer) -> None:
    @group.command(help=words("help.witness.init"))
    def init(
        name: Annotated[str, typer.Option("--name", help=words("opt.witness_name"))],
        data_dir: Annotated[str, _witness_dir()] = _WITNESS_DIR,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import witness

        witness.init(data_dir, name, as_json)

    @group.command(help=words("help.witness.add"))
    def add(
        key: Annotated[str, typer.Argument(metavar="VKEY", help=words("opt.watched_key"))],
        origin: Annotated[str, typer.Option("--origin", help=words("opt.watched_origin"))] = "",
        data_dir: Annotated[str, _witness_dir()] = _WITNESS_DIR,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import witness

        witness.add(data_dir, key, origin, as_json)

    @group.command(help=words("help.witness.run"))
    def run(
        host: Annotated[str, typer.Option("--host", help=words("opt.host"))] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", help=words("opt.port"))] = _WITNESS_PORT,
        data_dir: Annotated[str, _witness_dir()] = _WITNESS_DIR,
        log_level: Annotated[str | None, typer.Option(help=words("opt.log_level"))] = None,
        log_format: Annotated[str | None, typer.Option(help=words("opt.log_format"))] = None,
    ) -> None:
        from kanhe.serve.cli import witness

        witness.run(data_dir, host, port, log_level, log_format)

    @group.command(help=words("help.witness.show"))
    def show(
        data_dir: Annotated[str, _witness_dir()] = _WITNESS_DIR,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import witness

        witness.show(data_dir, as_json)


def _looking(app: typer.Typer) -> None:
    @app.command(help=words("help.version"))
    def version(as_json: Annotated[bool, options.as_json()] = False) -> None:
        import kanhe
        from kanhe.serve.cli.terminal import print_json, say

        if as_json:
            print_json({"kanhe": kanhe.__version__})
        else:
            say(f"kanhe {kanhe.__version__}")
