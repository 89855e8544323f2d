"""The commands that decide a past again to measure a policy: their options and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kanhe.serve.cli import options
from kanhe.serve.cli.wording import words


def _text(name: str, key: str) -> Any:
    return typer.Option(name, help=words(f"opt.{key}"), show_default=False)


def _begin() -> Any:
    return _text("--from", "past_from")


def _end() -> Any:
    return _text("--to", "past_to")


def _data() -> Any:
    return _text("--data", "past_data")


def _map() -> Any:
    return _text("--map", "past_map")


def _tenant() -> Any:
    return _text("--tenant", "past_tenant")


def _as_of() -> Any:
    return _text("--as-of", "past_as_of")


def _delay() -> Any:
    return typer.Option("--label-delay", help=words("opt.past_label_delay"))


def _unlabelled() -> Any:
    return typer.Option("--unlabelled", help=words("opt.unlabelled"))


def _types() -> Any:
    return _text("--on", "past_types")


def _one_process() -> Any:
    return typer.Option("--one-process", help=words("opt.one_process"))


def fill_backtest(app: typer.Typer) -> None:
    """`kanhe backtest`."""

    @app.command(help=words("help.backtest"))
    def backtest(
        policy: Annotated[Path | None, options.policy()] = None,
        begin: Annotated[str, _begin()] = "",
        end: Annotated[str, _end()] = "",
        data: Annotated[list[Path] | None, _data()] = None,
        mapping: Annotated[list[Path] | None, _map()] = None,
        tenant: Annotated[str | None, _tenant()] = None,
        label_delay: Annotated[str, _delay()] = "7d",
        as_of: Annotated[str, _as_of()] = "",
        unlabelled: Annotated[str, _unlabelled()] = "honest",
        on: Annotated[list[str] | None, _types()] = None,
        blocks: Annotated[str, typer.Option("--blocks", help=words("opt.blocks"))] = "buyer",
        examples: Annotated[
            int, typer.Option("--examples", min=0, max=1000, help=words("opt.examples"))
        ] = 20,
        page: Annotated[Path | None, _text("--html", "html")] = None,
        one_process: Annotated[bool, _one_process()] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import backtesting, serving
        from kanhe.serve.cli.evidence import AskedPast

        settings = serving.settings_from(data_dir=data_dir)
        past = AskedPast(
            policy, begin, end, tuple(data or ()), tuple(mapping or ()), tenant, label_delay, as_of,
            unlabelled, tuple(on or ()), one_process,
        )  # fmt: skip
        raise typer.Exit(backtesting.backtest(settings, past, blocks, examples, page, as_json))


def _money(name: str, key: str) -> Any:
    return typer.Option(name, help=words(f"opt.{key}"), metavar="MONEY", show_default=False)


def fill_tune(group: typer.Typer) -> None:
    """`kanhe policy tune`."""

    @group.command(help=words("help.policy.tune"))
    def tune(
        review_cost: Annotated[str, _money("--review-cost", "review_cost")],
        refusal_loss: Annotated[str, _money("--refusal-loss", "refusal_loss")],
        loss_per_fraud: Annotated[
            str, typer.Option("--loss-per-fraud", help=words("opt.loss_per_fraud"))
        ] = "amount",
        reviews_per_day: Annotated[
            int | None,
            typer.Option("--reviews-per-day", min=0, help=words("opt.reviews_per_day")),
        ] = None,
        challenge_stops: Annotated[
            float, typer.Option("--challenge-stops", help=words("opt.challenge_stops"))
        ] = 0.0,
        challenge_loses: Annotated[
            float, typer.Option("--challenge-loses", help=words("opt.challenge_loses"))
        ] = 0.0,
        later_share: Annotated[
            float, typer.Option("--later-share", help=words("opt.later_share"))
        ] = 0.4,
        policy: Annotated[Path | None, options.policy()] = None,
        begin: Annotated[str, _begin()] = "",
        end: Annotated[str, _end()] = "",
        data: Annotated[list[Path] | None, _data()] = None,
        mapping: Annotated[list[Path] | None, _map()] = None,
        tenant: Annotated[str | None, _tenant()] = None,
        label_delay: Annotated[str, _delay()] = "7d",
        as_of: Annotated[str, _as_of()] = "",
        unlabelled: Annotated[str, _unlabelled()] = "honest",
        on: Annotated[list[str] | None, _types()] = None,
        one_process: Annotated[bool, _one_process()] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import serving, tuning
        from kanhe.serve.cli.evidence import AskedPast

        settings = serving.settings_from(data_dir=data_dir)
        past = AskedPast(
            policy, begin, end, tuple(data or ()), tuple(mapping or ()), tenant, label_delay, as_of,
            unlabelled, tuple(on or ()), one_process,
        )  # fmt: skip
        costs = tuning.AskedCosts(
            loss_per_fraud, review_cost, refusal_loss, reviews_per_day, challenge_stops,
            challenge_loses, later_share,
        )  # fmt: skip
        raise typer.Exit(tuning.propose(settings, past, costs, as_json))
