"""The commands of `kanhe label` and `kanhe dataset`, `kanhe model`, `kanhe evaluate` and `kanhe drift`: options and help."""

from __future__ import annotations

from pathlib import Path
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


def fill_dataset(group: typer.Typer) -> None:
    """`kanhe dataset …`."""

    @group.callback()
    def dataset() -> None:
        """Keeps `build` a word of its own, as long as it is the only one."""

    @group.command(help=words("help.dataset.build"))
    def build(
        begin: Annotated[str, typer.Option("--from", help=words("opt.from"))] = "",
        end: Annotated[str, typer.Option("--to", help=words("opt.to"))] = "",
        label_delay: Annotated[
            str, typer.Option("--label-delay", help=words("opt.label_delay"))
        ] = "7d",
        as_of: Annotated[str, typer.Option("--as-of", help=words("opt.dataset_as_of"))] = "",
        type_: Annotated[
            list[str] | None, typer.Option("--type", help=words("opt.dataset_type"))
        ] = None,
        positive: Annotated[
            list[str] | None, typer.Option("--positive", help=words("opt.positive"))
        ] = None,
        out: Annotated[Path, typer.Option("--out", "-o", help=words("opt.dataset_out"))] = Path(
            "dataset.parquet"
        ),
        policy: Annotated[
            Path | None, typer.Option("--policy", help=words("opt.dataset_policy"))
        ] = None,
        tenant: Annotated[
            str | None, typer.Option("--tenant", help=words("opt.dataset_tenant"))
        ] = None,
        data: Annotated[
            list[Path] | None, typer.Option("--data", help=words("opt.past_data"))
        ] = None,
        mapping: Annotated[
            list[Path] | None, typer.Option("--map", help=words("opt.past_map"))
        ] = None,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import datasets, serving

        settings = serving.settings_from(data_dir=data_dir)
        raise typer.Exit(
            datasets.build(
                settings, out, begin, end, label_delay, as_of, type_ or ["payment.attempted"],
                positive or ["fraud"], tenant, policy, data or [],
                mapping or [], as_json,
            )
        )  # fmt: skip


def fill_evaluate(app: typer.Typer) -> None:
    """`kanhe evaluate`."""

    @app.command(help=words("help.evaluate"))
    def evaluate(
        data: Annotated[Path, typer.Option("--data", help=words("opt.trial_data"))],
        protocol: Annotated[
            str, typer.Option("--protocol", help=words("opt.protocol"))
        ] = "handbook",
        train_start: Annotated[
            str, typer.Option("--train-start", help=words("opt.train_start"))
        ] = "",
        folds: Annotated[int, typer.Option("--folds", min=0, max=100, help=words("opt.folds"))] = 0,
        policy: Annotated[
            Path | None, typer.Option("--policy", help=words("opt.trial_policy"))
        ] = None,
        mapping: Annotated[Path | None, typer.Option("--map", help=words("opt.trial_map"))] = None,
        labels: Annotated[
            Path | None, typer.Option("--labels", help=words("opt.trial_labels"))
        ] = None,
        seed: Annotated[int, typer.Option("--seed", min=0, help=words("opt.learn_seed"))] = 1,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import evaluating, serving

        wish = evaluating.Wish(protocol, data, policy, mapping, labels, train_start, folds, seed)
        raise typer.Exit(evaluating.evaluate(serving.settings_from(), wish, as_json))


def fill_drift(app: typer.Typer) -> None:
    """`kanhe drift`."""

    @app.command(help=words("help.drift"))
    def drift(
        begin: Annotated[
            str, typer.Option("--baseline-from", help=words("opt.baseline_from"))
        ] = "",
        end: Annotated[str, typer.Option("--baseline-to", help=words("opt.baseline_to"))] = "",
        type_: Annotated[
            list[str] | None, typer.Option("--type", help=words("opt.drift_type"))
        ] = None,
        save: Annotated[bool, typer.Option("--save", help=words("opt.drift_save"))] = False,
        all_: Annotated[bool, typer.Option("--all", help=words("opt.drift_all"))] = False,
        watch: Annotated[bool, typer.Option("--watch", help=words("opt.drift_watch"))] = False,
        beside_parent: Annotated[bool, typer.Option("--beside-parent", hidden=True)] = False,
        data_dir: Annotated[str | None, options.data_dir()] = None,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import drifting, serving

        settings = serving.settings_from(data_dir=data_dir)
        if watch:
            raise typer.Exit(drifting.watch(settings, beside_parent=beside_parent))
        raise typer.Exit(
            drifting.drift(
                settings, begin, end, type_ or ["payment.attempted"], save=save, show_all=all_,
                as_json=as_json,
            )
        )  # fmt: skip


def fill_model(group: typer.Typer) -> None:
    """`kanhe model …`."""

    @group.command(help=words("help.model.train"))
    def train(
        dataset: Annotated[Path, typer.Argument(metavar="DATASET", help=words("opt.dataset_in"))],
        name: Annotated[str, typer.Option("--name", help=words("opt.model_name"))] = "risk",
        out: Annotated[
            Path | None, typer.Option("--out", "-o", help=words("opt.model_out"))
        ] = None,
        unsupervised: Annotated[
            bool, typer.Option("--unsupervised", help=words("opt.unsupervised"))
        ] = False,
        leave_out: Annotated[
            list[str] | None, typer.Option("--leave-out", help=words("opt.leave_out"))
        ] = None,
        calibration: Annotated[
            str, typer.Option("--calibration", help=words("opt.calibration"))
        ] = "platt",
        positive_weight: Annotated[
            float,
            typer.Option("--positive-weight", min=0, max=1e6, help=words("opt.positive_weight")),
        ] = 1.0,
        alerts: Annotated[int, typer.Option("--alerts", min=1, help=words("opt.alerts"))] = 100,
        seed: Annotated[int, typer.Option("--seed", min=0, help=words("opt.learn_seed"))] = 1,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import modelling

        wish = modelling.Wish(
            dataset, name, out, unsupervised, tuple(leave_out or ()), calibration, positive_weight,
            alerts, seed,
        )  # fmt: skip
        raise typer.Exit(modelling.train(wish, as_json))

    @group.command(help=words("help.model.evaluate"))
    def evaluate(
        model: Annotated[Path, typer.Argument(metavar="MODEL", help=words("opt.model_in"))],
        dataset: Annotated[Path, typer.Argument(metavar="DATASET", help=words("opt.dataset_in"))],
        alerts: Annotated[int, typer.Option("--alerts", min=1, help=words("opt.alerts"))] = 100,
        as_json: Annotated[bool, options.as_json()] = False,
    ) -> None:
        from kanhe.serve.cli import modelling

        raise typer.Exit(modelling.evaluate(model, dataset, alerts, as_json))
